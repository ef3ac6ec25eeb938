package dev.forebay.queue.worker;

import java.time.Duration;

/**
 * What a worker has done since it started. The counters are read one after another while the worker
 * runs, so they may be a few messages apart.
 *
 * <p>What a settlement does to a message is counted when the queue has confirmed it: a settlement
 * that came too late, or of which nothing is known, is among {@code staleSettlements} or {@code
 * unknownSettlements} instead. A worker that has closed has waited for the answers, for as long as
 * its grace time allows.
 *
 * @param slots how many handlers can run at once
 * @param running deliveries that hold a slot now
 * @param handled attempts that ended as done and are acked, as the queue has confirmed
 * @param failed attempts that failed: the handler threw, or asked for a retry or for the dead
 *     letters; counted when it ends, whatever becomes of the message
 * @param retried releases for another attempt
 * @param deadLettered moves to the dead letters, whether after a failure or before the handler ran
 * @param returned deliveries given back without counting as an attempt (R2)
 * @param leaseLost deliveries whose lease was lost before they were settled
 * @param extensions lease extensions that the queue confirmed
 * @param staleSettlements settlements that came too late and changed nothing (A3)
 * @param unknownSettlements settlements of which nobody knows whether they were applied; such a
 *     message may come again
 * @param busy time in handlers, summed over all slots, up to now; over the worker's age and slots
 *     it is the use of the slots
 * @param wasted the part of {@code busy} spent on attempts whose lease was lost, up to now (W2)
 * @param throttled attempts given back without counting because a downstream asked for less
 * @param expired messages whose deadline passed before they ran (W5)
 * @param duplicates finished messages that came again and were acked without running (U2)
 * @param diverted messages sent to the slow lane (W4)
 * @param messageAge from a message's first enqueue to the start of its handler
 * @param queueToStart from the receipt of a delivery to the start of its handler
 * @param handlerTime how long handlers ran
 * @param leaseMargin what was left of leases when they were extended; its small values matter
 * @param recentHandlerTime how long handlers have lately run on average, of about the last hundred
 *     and whatever became of them, except those that a closing worker interrupted; zero while none
 *     has ended
 * @param concurrency how many messages may be in handlers at once as things are: the slots, or
 *     fewer where a limit, permits or the budget of batches allow fewer by what messages have
 *     lately cost
 * @param hung handlers that run on although their lease is known to be lost
 */
public record WorkerStats(
    int slots,
    int running,
    long handled,
    long failed,
    long retried,
    long deadLettered,
    long returned,
    long leaseLost,
    long extensions,
    long staleSettlements,
    long unknownSettlements,
    Duration busy,
    Duration wasted,
    long throttled,
    long expired,
    long duplicates,
    long diverted,
    Timings messageAge,
    Timings queueToStart,
    Timings handlerTime,
    Timings leaseMargin,
    Duration recentHandlerTime,
    int concurrency,
    int hung) {}
