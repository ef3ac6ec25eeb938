package dev.forebay.queue.testkit.contract;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Runs a test only on backends that do not offer this: it shows that what is absent fails as
 * declared and changes nothing. Skipped, with the reason, where it is offered.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface WhenAbsent {

  /** What the backend must lack. */
  Ability value();
}
