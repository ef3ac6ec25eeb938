/**
 * The figures of {@code docs/benchmarks.md}: each a program that measures Forebay, and its peers in
 * the same run, and prints a table and a JSON file.
 *
 * <p>{@link dev.forebay.queue.benchmarks.Benchmarks} is the entry; each benchmark is one of its
 * subcommands.
 */
@NullMarked
package dev.forebay.queue.benchmarks;

import org.jspecify.annotations.NullMarked;
