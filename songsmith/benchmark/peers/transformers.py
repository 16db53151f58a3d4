"""transformers: `generate` on the same model directory."""

from pathlib import Path
from typing import Any

from songsmith.benchmark.options import PROMPT_TOKENS, TOP_K
from songsmith.benchmark.writers import Writer, device_title

# Letters in shapes: B = takes, T = tokens of the prompt.


def load_transformers(folder: Path) -> Writer:
    """Load the model into transformers, on the device and in the precision songsmith would choose."""
    import torch
    from transformers import GPT2LMHeadModel

    from songsmith.model.device import choose_device, choose_dtype, set_threads
    from songsmith.paths import find_paths
    from songsmith.settings import Settings

    settings = Settings.load(find_paths())
    if settings.threads:  # otherwise torch chooses, as it would for anyone
        set_threads(settings.threads)
    device = choose_device(settings.device)
    model: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=choose_dtype(device))
    model.eval().to(device)
    prompt = torch.arange(1, PROMPT_TOKENS + 1, device=device)[None]  # (1, T)

    def write(takes: int, new_tokens: int) -> None:
        ids = prompt.repeat(takes, 1)  # (B, T)
        model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=True,
            temperature=1.0, top_k=TOP_K, top_p=1.0, pad_token_id=model.config.eos_token_id,
        )  # fmt: skip
        if device.type == "cuda":
            torch.cuda.synchronize()

    return Writer(device_title(str(device)), write)
