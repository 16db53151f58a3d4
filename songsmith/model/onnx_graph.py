"""The GPT-2 network as an ONNX graph, its matrices in 8 bits. Builds and writes it once; runs nothing.

Weights are rounded to 127 steps a column, and what they are multiplied with to 127 steps a row (LLM.int8(), Dettmers et al. 2022,
without the part for outliers), or either in blocks of a column or row: a row never depends on its neighbours. Keys and values are
remembered in 8 bits too, in steps for each channel that a short reading measures first.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, save_model

from songsmith.errors import ModelError
from songsmith.model.architectures.spec import NetworkSpec

Array = NDArray[Any]

# Letters in shapes: B = rows, T = tokens read now, W = tokens whose successors are wanted, S = capacity of the cache,
# D = width, H = heads, E = D / H, V = vocabulary.

LARGEST = 127
"""Most steps on either side of zero: symmetric, so that no product needs a correction."""
_ZERO = 128
_BLOCK = 64
_CONTRIBUTED = "com.microsoft"
_OPSET = 20
_IR_VERSION = 10
_SMALL_BYTES = 1024
_IN_8_BITS = 4  # what rows are rounded to, by MatMulNBits' own count of kinds


class Precision(StrEnum):
    """How the matrices are kept and multiplied."""

    INT8 = "int8"
    """Columns of weights and rows of what they meet are rounded, then multiplied as whole numbers."""
    UINT8 = "uint8"
    """The same, the weights moved up above zero: for processors whose products with signed ones overflow."""
    BLOCKS = "blocks"
    """Rounded in blocks of 64, in one operation a product: for small networks, where the number of operations counts more than
    how well many rows are multiplied together."""
    FLOAT32 = "float32"
    """Not rounded: what the others are held to."""


def check_weights(spec: NetworkSpec, weights: Mapping[str, Array]) -> None:
    """Make sure that weights are all there, of the right shapes, and numbers.

    Raises:
        ModelError: one is missing, has another shape, or holds something that is no number.
    """
    spec.check_shapes({name: tuple(weight.shape) for name, weight in weights.items()})
    for name in spec.weight_shapes():
        if not np.isfinite(weights[name]).all():
            raise ModelError(f"The model's {name} contains values that aren't numbers.", "Download or export it again.")


def write_graph(
    path: Path,
    spec: NetworkSpec,
    weights: Mapping[str, Array],
    *,
    precision: Precision,
    cache_steps: Mapping[str, Array] | None = None,
    shows_mixed: bool = False,
) -> None:
    """Write the graph, and its weights to a file beside it that can be mapped into memory.

    Inputs: `ids` and `places` (B, T) int64; `lengths` (B,) int32, tokens in the cache after this step, less one; `counts` (B,)
    int32, tokens of a row that count; `longest` (1,) int32; `wanted` (W,) int64, places in B * T; `keys.L` and `values.L` for
    each layer, (B, H, S, E). Outputs: `logits` (W, V) float32; `keys_now.L` and `values_now.L`, to be bound to the same memory.

    Args:
        path: of the graph; the weights are `path` with `.data` behind.
        spec: of the network.
        weights: by the names `spec.weight_shapes()` gives; checked by `check_weights`.
        precision: of the matrices.
        cache_steps: for `keys.L` and `values.L` the size of a step, (H, 1, E) float32, where the cache is int8; without
            them it is float32.
        shows_mixed: whether `mixed.L`, queries, keys and values before they are parted, are outputs too: (B, T, 3D).
    """
    builder = _Builder(spec, weights, precision, cache_steps or {}, shows_mixed=shows_mixed)
    save_model(
        builder.build(), path, save_as_external_data=True, all_tensors_to_one_file=True, location=f"{path.name}.data",
        size_threshold=_SMALL_BYTES,
    )  # fmt: skip


class _Builder:
    """A graph while it is put together."""

    def __init__(
        self, spec: NetworkSpec, weights: Mapping[str, Array], precision: Precision, cache_steps: Mapping[str, Array],
        *, shows_mixed: bool,
    ) -> None:  # fmt: skip
        self._spec, self._weights, self._precision, self._steps = spec, weights, precision, cache_steps
        self._shows_mixed = shows_mixed
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        if precision is not Precision.FLOAT32:
            self._step = self._constant("step", np.array(1 / LARGEST, np.float32))
            self._zero = self._constant("zero", np.array(_ZERO, np.uint8))
            self._last_axis = self._constant("last_axis", np.array([-1], np.int64))

    def build(self) -> Any:
        spec, take = self._spec, self._take
        for name, kind, shape in (
            ("ids", TensorProto.INT64, ["B", "T"]), ("places", TensorProto.INT64, ["B", "T"]),
            ("lengths", TensorProto.INT32, ["B"]), ("counts", TensorProto.INT32, ["B"]),
            ("longest", TensorProto.INT32, [1]), ("wanted", TensorProto.INT64, ["W"]),
        ):  # fmt: skip
            self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        words = self._node("Gather", [take("wte.weight"), "ids"], "words")
        places = self._node("Gather", [take("wpe.weight"), "places"], "positions")
        normed, stream = self._add_and_norm(words, places, "h.0.ln_1")
        for layer in range(spec.layers):
            block = f"h.{layer}"
            mixed = self._product(
                normed, f"{block}.attn.c_attn.weight", bias=f"{block}.attn.c_attn.bias", output=f"mixed.{layer}"
            )
            seen = self._product(self._attention(mixed, layer), f"{block}.attn.c_proj.weight")
            normed, stream = self._add_and_norm(stream, seen, f"{block}.ln_2", f"{block}.attn.c_proj.bias")
            wide = self._product(normed, f"{block}.mlp.c_fc.weight")
            inner = self._node("FastGelu", [wide, take(f"{block}.mlp.c_fc.bias")], f"inner.{layer}", _CONTRIBUTED)
            back = self._product(inner, f"{block}.mlp.c_proj.weight")
            following = "ln_f" if layer == spec.layers - 1 else f"h.{layer + 1}.ln_1"
            normed, stream = self._add_and_norm(stream, back, following, f"{block}.mlp.c_proj.bias")
        rows = self._node(
            "Reshape", [normed, self._constant("flat", np.array([-1, spec.width], np.int64))], "final"
        )  # (B, T, D) -> (B * T, D)
        wanted = self._node("Gather", [rows, "wanted"], "read", axis=0)
        # The head is the matrix of the words, turned over.
        self._product(wanted, "head", matrix=self._weights["wte.weight"].T, output="logits")
        self._outputs.insert(0, helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["W", spec.vocabulary_size]))
        graph = helper.make_graph(self._nodes, "gpt2", self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIBUTED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="songsmith")

    def _attention(self, mixed: str, layer: int) -> str:
        """Attend to the cache and to what is read now, which goes into the cache where it lies."""
        heads = self._spec.attention.heads
        kind = TensorProto.INT8 if self._steps else TensorProto.FLOAT
        shape: list[int | str | None] = ["B", heads, "S", self._spec.width // heads]
        names = [f"{part}.{layer}" for part in ("keys", "values")]
        for name in names:
            self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
            now = name.replace(".", "_now.")
            self._outputs.append(helper.make_tensor_value_info(now, kind, shape))
        if self._shows_mixed:
            wide: list[int | str | None] = ["B", "T", 3 * self._spec.width]
            self._outputs.append(helper.make_tensor_value_info(mixed, TensorProto.FLOAT, wide))
        steps = [self._constant(f"{name}.step", self._steps[name]) for name in names] if self._steps else ["", ""]
        options: dict[str, Any] = {"num_heads": heads, "kv_num_heads": heads}
        if self._steps:
            options |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
        # Between the length and the steps lie inputs for rotation, biases and sinks; between steps and counts for norms.
        inputs = [mixed, "", "", *names, "lengths", "longest", "", "", "", "", "", *steps, "", "", "counts"]
        outputs = [f"seen.{layer}", *(name.replace(".", "_now.") for name in names)]
        self._nodes.append(
            helper.make_node("GroupQueryAttention", inputs, outputs, f"attention.{layer}", domain=_CONTRIBUTED, **options)
        )  # fmt: skip
        return outputs[0]

    def _product(self, x: str, weight: str, *, matrix: Array | None = None, bias: str = "", output: str = "") -> str:
        """Multiply rows with a matrix (in, out), if no other with the one of that name."""
        matrix = (self._weights[weight] if matrix is None else matrix).astype(np.float32)
        output = output or f"{weight}.product"
        if self._precision is Precision.BLOCKS:
            return self._product_of_blocks(x, weight, matrix, bias, output)
        if bias:
            return self._node("Add", [self._product(x, weight, matrix=matrix), self._take(bias)], output)
        if self._precision is Precision.FLOAT32:
            return self._node("MatMul", [x, self._constant(f"{weight}.matrix", matrix)], output)
        rounded, steps = quantise_columns(matrix)
        # Each row is brought to between -1 and 1 before it is rounded, and its product back.
        size = self._node("Abs", [x], f"{weight}.sizes")
        largest = self._node("ReduceMax", [size, self._last_axis], f"{weight}.largest", keepdims=1)
        scaled = self._node("Div", [x, largest], f"{weight}.scaled")
        whole = self._node("QuantizeLinear", [scaled, self._step, self._zero], f"{weight}.whole")
        unsigned = self._precision is Precision.UINT8
        kept = (rounded.astype(np.int16) + _ZERO).astype(np.uint8) if unsigned else rounded
        factors = [whole, self._constant(f"{weight}.{self._precision}", kept)]
        scales = [self._step, self._constant(f"{weight}.steps", steps), self._zero, self._zero if unsigned else ""]
        product = self._node("MatMulIntegerToFloat", factors + scales, f"{weight}.scaled_product", _CONTRIBUTED)
        return self._node("Mul", [product, largest], output)

    def _product_of_blocks(self, x: str, weight: str, matrix: Array, bias: str, output: str) -> str:
        rounded, steps = quantise_blocks(matrix)
        inputs = [x, self._constant(f"{weight}.blocks", rounded), self._constant(f"{weight}.steps", steps)]
        if bias:
            inputs += ["", "", self._take(bias)]
        return self._node(
            "MatMulNBits", inputs, output, _CONTRIBUTED,
            K=matrix.shape[0], N=matrix.shape[1], bits=8, block_size=_BLOCK, accuracy_level=_IN_8_BITS,
        )  # fmt: skip

    def _add_and_norm(self, stream: str, added: str, norm: str, bias: str = "") -> tuple[str, str]:
        """Add to the residual stream and norm it; return both."""
        names = (f"{norm}.normed", f"{norm}.stream")
        inputs = [stream, added, self._take(f"{norm}.weight"), self._take(f"{norm}.bias")]
        if bias:
            inputs.append(self._take(bias))
        self._nodes.append(
            helper.make_node(
                "SkipLayerNormalization", inputs, [names[0], "", "", names[1]], f"{norm}.add_and_norm",
                domain=_CONTRIBUTED, epsilon=self._spec.norm.epsilon,
            )
        )  # fmt: skip
        return names

    def _take(self, name: str) -> str:
        return self._constant(name, self._weights[name].astype(np.float32))

    def _constant(self, name: str, value: Array) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str, domain: str = "", **options: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, domain=domain, **options))
        return output


def quantise_columns(matrix: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each column of a matrix (in, out) to 127 steps on either side of zero.

    Returns:
        (in, out) int8, and the size of a step for each column, (out,).
    """
    steps = (np.abs(matrix).max(axis=0) / LARGEST).astype(np.float32)
    steps[steps == 0] = 1
    return np.rint(matrix / steps).astype(np.int8), steps


def quantise_blocks(matrix: Array) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Round each block of 64 weights of a column of a matrix (in, out) to 127 steps on either side of 128.

    Returns:
        (out, blocks, 64) uint8, the last block filled up, and the size of a step for each block, (out * blocks,).
    """
    filled = np.pad(matrix, ((0, -len(matrix) % _BLOCK), (0, 0)))
    blocks = np.ascontiguousarray(filled.T).reshape(matrix.shape[1], -1, _BLOCK)
    steps = (np.abs(blocks).max(axis=-1) / LARGEST).astype(np.float32)
    steps[steps == 0] = 1
    return (np.rint(blocks / steps[..., None]) + _ZERO).astype(np.uint8), steps.reshape(-1)


def blocks_overflow(run: Callable[[bytes], Array]) -> bool:
    """Return whether this processor's products of blocks overflow what they are added up in.

    Args:
        run: runs a graph without inputs, and returns its one output.
    """
    # Largest of either sign, in two columns; several rows may be multiplied in another way than one.
    rows = 16
    rounded, steps = quantise_blocks(np.array([[1.0, -1.0]] * _BLOCK, np.float32) * LARGEST)
    constants = [
        numpy_helper.from_array(np.full((rows, _BLOCK), LARGEST, np.float32), "x"),
        numpy_helper.from_array(rounded, "weights"), numpy_helper.from_array(steps, "steps"),
    ]  # fmt: skip
    node = helper.make_node(
        "MatMulNBits", ["x", "weights", "steps"], ["y"], domain=_CONTRIBUTED,
        K=_BLOCK, N=2, bits=8, block_size=_BLOCK, accuracy_level=_IN_8_BITS,
    )  # fmt: skip
    most = LARGEST * LARGEST * _BLOCK
    return not np.allclose(run(_one_node(node, constants, (rows, 2))), [[most, -most]], rtol=1e-3)


def products_overflow(run: Callable[[bytes], Array]) -> bool:
    """Return whether this processor's products of 8 bits overflow the 16 that two of them are added up in.

    Processors before AVX-VNNI add pairs so (VPMADDUBSW, Intel's instruction set reference), and what does not fit is cut.

    Args:
        run: runs a graph without inputs, and returns its one output.
    """
    size = 64
    largest = numpy_helper.from_array(np.full((1, size), 255, np.uint8), "x")
    weights = numpy_helper.from_array(np.full((size, size), LARGEST, np.int8), "weights")
    one, zero = (
        numpy_helper.from_array(np.array(1, np.float32), "one"),
        numpy_helper.from_array(np.array(0, np.uint8), "zero"),
    )
    node = helper.make_node("MatMulIntegerToFloat", ["x", "weights", "one", "one", "zero"], ["y"], domain=_CONTRIBUTED)
    product = run(_one_node(node, [largest, weights, one, zero], (1, size)))
    return bool((product != 255 * LARGEST * size).any())


def _one_node(node: Any, constants: list[Any], shape: tuple[int, int]) -> bytes:
    """Return a graph of one node whose output is `y`, of this shape."""
    shown = helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "products", [], [shown], constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIBUTED, 1)]
    model: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION).SerializeToString()
    return model
