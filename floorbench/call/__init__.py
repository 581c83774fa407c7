"""One call of ours, from its recording and its trace: figures, and a picture of them."""
