"""An untrained Pocket TTS of the smallest published shape, in its true format."""

import wave
from pathlib import Path

import numpy as np

TEXT = ["hello there how can i help you today", "it is three dollars and fifty cents"]
PIECES = 30


def write_pocket_tts(folder: Path):
    """Write config.yaml, weights.safetensors, tok.model, voice.wav and consent.wav."""
    import pocket_tts
    import sentencepiece
    import torch
    import yaml
    from safetensors.torch import save_file

    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 50),
        model_prefix=str(folder / "tok"),
        vocab_size=PIECES,
        minloglevel=2,
    )
    shipped = Path(pocket_tts.__file__).parent / "config" / "english_2m_2026-10.yaml"
    config = yaml.safe_load(shipped.read_text())
    config["weights_path"] = None
    del config["weights_path_without_voice_cloning"]
    words = config["flow_lm"]["lookup_table"]
    words["tokenizer_path"], words["n_bins"] = str(folder / "tok.model"), PIECES
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    torch.manual_seed(1)  # the same weights, and so about the same loudness, each time
    model = pocket_tts.TTSModel.load_model(config=str(file))
    save_file(model.state_dict(), folder / "weights.safetensors")
    file.write_text(yaml.safe_dump({**config, "weights_path": str(folder / "weights.safetensors")}))
    for name in ("voice", "consent"):
        with wave.open(str(folder / f"{name}.wav"), "wb") as recording:
            recording.setparams((1, 2, 24_000, 0, "NONE", ""))
            tone = np.sin(np.arange(72_000) * 0.05) * 8000
            recording.writeframes(tone.astype("<i2").tobytes())
