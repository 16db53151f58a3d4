"""Programs that a user would otherwise write or start, as text: each is run by a fresh Python, without songsmith."""

TRANSFORMERS_FIRST_TOKEN = """
import sys

import torch
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

folder, prompt, wanted = sys.argv[1:]
tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
device = "cuda" if torch.cuda.is_available() and wanted in ("auto", "cuda") else "cpu"
dtype = torch.bfloat16 if device == "cuda" else torch.float32
model = GPT2LMHeadModel.from_pretrained(folder, dtype=dtype).eval().to(device)
ids = torch.tensor([tokenizer.encode(prompt).ids], device=device)
written = model.generate(
    ids, attention_mask=torch.ones_like(ids), max_new_tokens=1, min_new_tokens=1, do_sample=True, pad_token_id=0
)
print(prompt, repr(tokenizer.decode([int(written[0, -1])], skip_special_tokens=False)), flush=True)
"""
"""Prints a prompt and the first token that transformers writes behind it."""

TYPER_ONE_COMMAND = '''
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def hello(name: Annotated[str, typer.Option(help="Whom to greet.")] = "world") -> None:
    """Say hello."""
    print(f"Hello {name}")


app()
'''
"""A Typer app of one command."""

TEXTUAL_BARE = """
from textual.app import App

App().run()
"""
"""A Textual app of nothing."""
