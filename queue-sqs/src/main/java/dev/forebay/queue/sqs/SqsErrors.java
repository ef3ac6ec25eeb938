package dev.forebay.queue.sqs;

import dev.forebay.queue.ErrorCode;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;

/**
 * Tells what kind of error SQS or its client reported. Stateless.
 *
 * <p>The one question that matters for safety is whether a request may have been carried out. A
 * broken connection or an internal error says nothing about it, so such a call is ambiguous; only
 * an answer that refuses the request, or a connection that surely was never made, is a no.
 */
final class SqsErrors {

  private static final Set<String> NOT_FOUND =
      Set.of("QueueDoesNotExist", "NonExistentQueue", "QueueDeletedRecently");
  private static final Set<String> ACCESS_DENIED =
      Set.of(
          "AccessDenied",
          "AccessDeniedException",
          "InvalidClientTokenId",
          "UnrecognizedClientException",
          "SignatureDoesNotMatch",
          "InvalidSignatureException",
          "IncompleteSignature",
          "MissingAuthenticationToken",
          "ExpiredToken",
          "ExpiredTokenException",
          "OptInRequired",
          "KmsAccessDenied");
  private static final Set<String> THROTTLED =
      Set.of(
          "RequestThrottled",
          "Throttling",
          "ThrottlingException",
          "ThrottledException",
          "TooManyRequestsException",
          "RequestLimitExceeded",
          "SlowDown",
          "OverLimit",
          "KmsThrottled",
          "KmsThrottling");
  private static final Set<String> MISCONFIGURED =
      Set.of(
          "InvalidSecurity",
          "InvalidAddress",
          "KmsDisabled",
          "KmsInvalidState",
          "KmsInvalidKeyUsage",
          "KmsNotFound",
          "KmsOptInRequired");
  private static final Set<String> INVALID_MESSAGE =
      Set.of(
          "InvalidMessageContents",
          "MessageTooLong",
          "BatchRequestTooLong",
          "InvalidParameterValue",
          "InvalidAttributeValue",
          "MissingParameter");

  private SqsErrors() {}

  /** The client's own exception, without what futures wrap around it. */
  static Throwable unwrap(Throwable failure) {
    Throwable inner = failure;
    while ((inner instanceof CompletionException || inner instanceof ExecutionException)
        && inner.getCause() != null) {
      inner = inner.getCause();
    }
    return inner;
  }

  /**
   * What kind of error ended a call.
   *
   * @return {@link ErrorCode#AMBIGUOUS} when the request may have been carried out
   */
  static ErrorCode ofCall(Throwable failure) {
    Throwable inner = unwrap(failure);
    if (inner instanceof AwsServiceException service) {
      String code =
          service.awsErrorDetails() == null ? null : service.awsErrorDetails().errorCode();
      ErrorCode known = ofCode(code);
      if (known != null) {
        return known;
      }
      if (service.isThrottlingException() || service.statusCode() == 429) {
        return ErrorCode.THROTTLED;
      }
      if (service.statusCode() == 401 || service.statusCode() == 403) {
        return ErrorCode.ACCESS_DENIED;
      }
      return service.statusCode() >= 500 || service.statusCode() == 0
          ? ErrorCode.AMBIGUOUS
          : ErrorCode.INTERNAL;
    }
    if (inner instanceof SdkClientException && isAboutCredentials(inner)) {
      return ErrorCode.ACCESS_DENIED;
    }
    return wasNeverSent(inner) ? ErrorCode.UNAVAILABLE : ErrorCode.AMBIGUOUS;
  }

  /** What kind of error one entry of a batch ended with; the entry was surely not carried out. */
  static ErrorCode ofEntry(BatchResultErrorEntry entry) {
    ErrorCode known = ofCode(entry.code());
    if (known != null) {
      return known;
    }
    return Boolean.TRUE.equals(entry.senderFault()) ? ErrorCode.INTERNAL : ErrorCode.UNAVAILABLE;
  }

  /** Whether an entry failed because its receipt no longer holds a message. */
  static boolean isLostReceipt(BatchResultErrorEntry entry) {
    String code = shortCode(entry.code());
    return code.equals("ReceiptHandleIsInvalid")
        || code.equals("MessageNotInflight")
        || code.equals("InvalidParameterValue");
  }

  private static @Nullable ErrorCode ofCode(@Nullable String full) {
    String code = shortCode(full);
    if (NOT_FOUND.contains(code)) {
      return ErrorCode.NOT_FOUND;
    }
    if (ACCESS_DENIED.contains(code)) {
      return ErrorCode.ACCESS_DENIED;
    }
    if (THROTTLED.contains(code)) {
      return ErrorCode.THROTTLED;
    }
    if (MISCONFIGURED.contains(code)) {
      return ErrorCode.MISCONFIGURED;
    }
    return INVALID_MESSAGE.contains(code) ? ErrorCode.INVALID_MESSAGE : null;
  }

  /** The part after {@code AWS.SimpleQueueService.}, or after {@code KMS.} as {@code Kms...}. */
  private static String shortCode(@Nullable String code) {
    if (code == null) {
      return "";
    }
    String last = code.substring(code.lastIndexOf('.') + 1);
    return code.startsWith("KMS.") ? "Kms" + last.replace("Exception", "") : last;
  }

  /** A client that tried more than once may have got through on an earlier try. */
  private static boolean wasNeverSent(Throwable failure) {
    Integer attempts = failure instanceof SdkException sdk ? sdk.numAttempts() : null;
    if (attempts != null && attempts > 1) {
      return false;
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConnectException || cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }

  private static boolean isAboutCredentials(Throwable failure) {
    String text = failure.getMessage();
    return text != null && text.toLowerCase(Locale.ROOT).contains("credentials");
  }
}
