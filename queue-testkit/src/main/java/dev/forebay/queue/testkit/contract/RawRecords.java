package dev.forebay.queue.testkit.contract;

/** Writes to a broker queue past the library, as other producers do (P5). */
public interface RawRecords {

  /** Writes a record that the library cannot decode, such as one with broken reserved data. */
  void putUndecodable(String name);

  /** Writes a record as a producer without the library would: just this body. */
  void putForeign(String name, byte[] body);
}
