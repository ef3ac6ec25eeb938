package dev.forebay.queue.testkit.fault;

/** A kind of fault that {@link SqsFaults} puts between a client and SQS. */
public enum SqsFault {
  /** The request never arrives; the caller sees a broken connection. */
  LOST_REQUEST,
  /** The request is carried out; the caller sees a broken connection. */
  LOST_REPLY,
  /** Request or reply is late. */
  DELAY,
  /** The service asks for fewer requests, and does nothing. */
  THROTTLE,
  /** An entry of a batch is refused by an internal error of the service, and not carried out. */
  FAILED_ENTRY,
  /** An entry of a batch is carried out, and the reply does not mention it. */
  UNLISTED_ENTRY,
  /** A message is handed out a second time while its first receiver still holds it. */
  DUPLICATE_DELIVERY,
  /** A receipt that no longer holds its message was used, and answered as AWS does. */
  STALE_RECEIPT,
  /** The service refuses the caller for lack of a permission. */
  DENIED
}
