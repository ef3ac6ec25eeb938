/** Servers for tests: inside the JVM, from outside by system properties, or in containers. */
@NullMarked
package dev.forebay.queue.testkit.server;

import org.jspecify.annotations.NullMarked;
