package dev.forebay.queue.testkit.contract;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Pins on a {@link WorkQueueContract} what its backend offers, so that neither an ability nor a
 * rule can get lost unnoticed. Without it the contract prints what there is, ready to be pinned.
 */
@Documented
@Inherited
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface Expected {

  /** All that is offered, by backend and harness. */
  Ability[] offers();

  /** Ids of the rules of which at least one test is skipped for want of an ability. */
  String[] skips();
}
