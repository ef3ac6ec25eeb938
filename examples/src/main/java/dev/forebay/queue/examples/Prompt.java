package dev.forebay.queue.examples;

/**
 * The work of the examples: what a client asks a model.
 *
 * @param id the request's own id
 * @param text the question
 */
public record Prompt(String id, String text) {}
