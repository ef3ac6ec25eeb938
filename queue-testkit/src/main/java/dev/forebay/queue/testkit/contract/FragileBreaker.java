package dev.forebay.queue.testkit.contract;

import dev.forebay.queue.worker.BreakerState;
import dev.forebay.queue.worker.TypeBreaker;
import java.time.Duration;
import java.util.function.BiConsumer;

/** A breaker that is open for one type and closed for all others, for ever. Stateless. */
final class FragileBreaker implements TypeBreaker {

  /** The type it is open for. */
  static final String TYPE = "fragile";

  @Override
  public boolean tryStart(String type) {
    return state(type) == BreakerState.CLOSED;
  }

  @Override
  public void succeeded(String type, Duration ran) {}

  @Override
  public void failed(String type, Duration ran) {}

  @Override
  public void cancelled(String type, Duration ago) {}

  @Override
  public BreakerState state(String type) {
    return type.equals(TYPE) ? BreakerState.OPEN : BreakerState.CLOSED;
  }

  @Override
  public void onChange(BiConsumer<String, BreakerState> listener) {
    listener.accept(TYPE, BreakerState.OPEN);
  }

  @Override
  public void forget(BiConsumer<String, BreakerState> listener) {}
}
