"""vLLM: a server engine with continuous batching. Reads the same model directory."""

import os
from pathlib import Path
from typing import Any

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K
from songsmith.benchmark.writers import Writer, device_title

# Every contestant's process lives at the same time, and vLLM takes its share of a GPU's memory at once.
_SHARE_OF_MEMORY = 0.3


def load_vllm(folder: Path) -> Writer:
    """Load the model on the device the settings name, in the precision songsmith would choose."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # memory is measured of one process
    from vllm import LLM, SamplingParams
    from vllm.platforms import current_platform

    from songsmith.model.device import choose_device, choose_dtype
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    device = choose_device(Settings.load(find_paths()).device)
    if current_platform.device_type != device.type:
        raise RuntimeError(f"the installed vLLM runs on {current_platform.device_type}, not on {device.type}")
    engine: Any = LLM(
        model=str(folder), skip_tokenizer_init=True, dtype=str(choose_dtype(device)).removeprefix("torch."),
        # What it read of a prompt before it would keep: nobody else does.
        enable_prefix_caching=False, gpu_memory_utilization=_SHARE_OF_MEMORY,
    )  # fmt: skip
    prompt = {"prompt_token_ids": list(range(1, PROMPT_TOKENS + 1))}

    def write(takes: int, new_tokens: int) -> None:
        cuts = SamplingParams(
            temperature=1.0, top_k=TOP_K, top_p=1.0, max_tokens=new_tokens, ignore_eos=True, detokenize=False
        )
        results = engine.generate([prompt] * takes, cuts, use_tqdm=False)
        assert [len(result.outputs[0].token_ids) for result in results] == [new_tokens] * takes

    return Writer(device_title(str(device)), write)
