/** The work queue, its worker and the embedded in-memory backend. */
module dev.forebay.queue {
  requires org.slf4j;
  requires static com.fasterxml.jackson.databind;
  requires static org.jspecify;

  exports dev.forebay.queue;
  exports dev.forebay.queue.dedup;
  exports dev.forebay.queue.memory;
  exports dev.forebay.queue.policy;
  exports dev.forebay.queue.progress;
  exports dev.forebay.queue.spi;
  exports dev.forebay.queue.time;
  exports dev.forebay.queue.worker;
}
