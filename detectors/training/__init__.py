"""From folders of recordings to ONNX models with their cards; the only place that needs torch and onnx."""
