"""Adapters to models; the only home of onnxruntime, torch and other heavy libraries."""
