/** Shows what came out of a run: as a table, as {@code report.json} and as {@code report.html}. */
@NullMarked
package dev.forebay.queue.loadtest.report;

import org.jspecify.annotations.NullMarked;
