package dev.forebay.queue.micrometer;

import io.micrometer.observation.Observation;
import java.util.ArrayList;
import java.util.List;

/**
 * The call of a batch handler, as its observation's handlers know it: with the observations of its
 * messages, which have begun before it. Not thread-safe.
 */
final class BatchContext extends Observation.Context {

  private final List<Observation.ContextView> messages = new ArrayList<>();

  void add(Observation.ContextView message) {
    messages.add(message);
  }

  List<Observation.ContextView> messages() {
    return messages;
  }
}
