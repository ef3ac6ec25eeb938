package dev.forebay.queue.worker;

/** What a worker keeps outside its queues. */
public enum StoreKind {
  /** What is done or in progress, to recognise duplicates by (U2). */
  DEDUP,
  /** How far handlers have come. */
  PROGRESS
}
