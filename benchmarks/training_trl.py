"""TRL's SFTTrainer in an environment of its own: one way of training, timed.

    python training_trl.py FOLDER < in.json > out.json

In: `{"rows": [[prompt ids, reply ids], …], "batch": …, "epochs": …, "lora": {…}, "options":
{…}}`; FOLDER holds the base. Rows are tokenised already and completions alone are learned.
Out: CPU seconds of `train()`, which begins when model, adapters and data are ready.
"""

import contextlib
import json
import logging
import sys
import tempfile
import time
import warnings

import datasets
import torch
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

_IGNORED = -100


def timed(base: str, asked: dict) -> dict:
    """Train as asked, and say what it cost."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    rows = [
        {"input_ids": prompt + reply, "labels": [_IGNORED] * len(prompt) + reply}
        for prompt, reply in asked["rows"]
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            use_cpu=True,
            per_device_train_batch_size=asked["batch"],
            num_train_epochs=asked["epochs"],
            learning_rate=2e-4,
            optim="adamw_torch_fused",
            gradient_checkpointing=False,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
            seed=0,
            **asked["options"],
        )
        trainer = SFTTrainer(
            model=model,
            args=config,
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=AutoTokenizer.from_pretrained(base),
            peft_config=LoraConfig(task_type="CAUSAL_LM", **asked["lora"]),
        )
        started = time.process_time()
        trainer.train()
        cpu = time.process_time() - started
    return {"cpu": cpu, "steps": trainer.state.global_step}


def main() -> None:
    """Read what to do, say what it took."""
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore")
    datasets.disable_progress_bars()
    torch.set_num_threads(1)
    asked = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        done = timed(sys.argv[1], asked)
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
