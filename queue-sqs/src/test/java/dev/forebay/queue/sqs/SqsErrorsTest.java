package dev.forebay.queue.sqs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.forebay.queue.ErrorCode;
import java.io.IOException;
import java.net.ConnectException;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** What kind of error each answer of SQS is; above all, whether it may have been carried out. */
class SqsErrorsTest {

  private static Throwable service(String code, int status) {
    return SqsException.builder()
        .message(code)
        .statusCode(status)
        .awsErrorDetails(AwsErrorDetails.builder().errorCode(code).build())
        .build();
  }

  @ParameterizedTest
  @CsvSource({
    "AWS.SimpleQueueService.NonExistentQueue, 400, NOT_FOUND",
    "QueueDoesNotExist, 400, NOT_FOUND",
    "AccessDenied, 403, ACCESS_DENIED",
    "AccessDeniedException, 400, ACCESS_DENIED",
    "InvalidClientTokenId, 403, ACCESS_DENIED",
    "ExpiredToken, 403, ACCESS_DENIED",
    "KMS.AccessDeniedException, 400, ACCESS_DENIED",
    "KMS.DisabledException, 400, MISCONFIGURED",
    "InvalidSecurity, 403, MISCONFIGURED",
    "RequestThrottled, 400, THROTTLED",
    "ThrottlingException, 400, THROTTLED",
    "OverLimit, 403, THROTTLED",
    "KMS.ThrottlingException, 400, THROTTLED",
    "InvalidMessageContents, 400, INVALID_MESSAGE",
    "AWS.SimpleQueueService.BatchRequestTooLong, 400, INVALID_MESSAGE",
    "InternalError, 500, AMBIGUOUS",
    "ServiceUnavailable, 503, AMBIGUOUS",
    "SomethingNew, 418, INTERNAL",
    "SomethingNew, 403, ACCESS_DENIED"
  })
  void answersOfTheService(String code, int status, ErrorCode expected) {
    assertThat(SqsErrors.ofCall(new CompletionException(service(code, status))))
        .isEqualTo(expected);
  }

  @Test
  void aBrokenConnection_mayHaveCarriedOutTheRequest() {
    assertThat(SqsErrors.ofCall(SdkClientException.create("reset", new IOException("reset"))))
        .isEqualTo(ErrorCode.AMBIGUOUS);
  }

  @Test
  void aConnectionThatWasNeverMade_hasNot_unlessItWasNotTheFirstTry() {
    Throwable refused = SdkClientException.create("refused", new ConnectException("refused"));
    assertThat(SqsErrors.ofCall(refused)).isEqualTo(ErrorCode.UNAVAILABLE);
    Throwable fourth =
        SdkClientException.builder()
            .message("refused")
            .cause(new ConnectException("refused"))
            .numAttempts(4)
            .build();
    assertThat(SqsErrors.ofCall(fourth)).isEqualTo(ErrorCode.AMBIGUOUS);
  }

  @Test
  void missingCredentials_areAMatterOfAccess() {
    assertThat(SqsErrors.ofCall(SdkClientException.create("Unable to load credentials from any")))
        .isEqualTo(ErrorCode.ACCESS_DENIED);
  }

  @ParameterizedTest
  @CsvSource({
    "InternalError, false, UNAVAILABLE, false",
    "ServiceUnavailable, false, UNAVAILABLE, false",
    "RequestThrottled, true, THROTTLED, false",
    "AccessDenied, true, ACCESS_DENIED, false",
    "ReceiptHandleIsInvalid, true, INTERNAL, true",
    "AWS.SimpleQueueService.MessageNotInflight, true, INTERNAL, true",
    "InvalidParameterValue, true, INVALID_MESSAGE, true"
  })
  void entriesOfABatch(String code, boolean senderFault, ErrorCode expected, boolean lostReceipt) {
    BatchResultErrorEntry entry =
        BatchResultErrorEntry.builder().id("0").code(code).senderFault(senderFault).build();
    assertThat(SqsErrors.ofEntry(entry)).isEqualTo(expected);
    assertThat(SqsErrors.isLostReceipt(entry)).isEqualTo(lostReceipt);
  }
}
