"""Predict what a sequence will draw after tokens that are only proposed. Changes nothing in the sequence."""

import numpy as np

from songsmith.generation.sampling import Floats, predict
from songsmith.generation.sequence import SequenceState

# Letters in shapes: V = vocabulary size.


class LookAhead:
    """A trial continuation of one sequence: its processors and its random stream go on, its text does not."""

    def __init__(self, sequence: SequenceState) -> None:
        """Start behind the newest token of a sequence."""
        self._sequence = sequence
        self._processors = [processor.fork() for processor in sequence.processors]
        self._stream = sequence.stream.fork()

    def propose(self, logits: Floats) -> tuple[int, float] | None:
        """Return the token that is likely to come next and its probability, and go on behind it.

        Args:
            logits: of a draft model, of any length: what it lacks of the vocabulary it gives no probability.

        Returns:
            None where the network gives no probabilities.
        """
        sequence, bias = self._sequence, self._sequence.bias
        known = np.full(sequence.classes.size, -np.inf, np.float32)  # (V,)
        known[: len(logits)] = logits[: len(known)]
        bias.clear()
        for processor in self._processors:
            processor.process(bias, sequence.lyric)
        bias.apply(known)
        uniform = self._stream.next_uniform() if sequence.options.temperature else 0.0
        predicted = predict(known, sequence.options, uniform, bias.redrawn)
        if predicted is not None:
            for processor in self._processors:
                processor.accept(predicted[0])
        return predicted
