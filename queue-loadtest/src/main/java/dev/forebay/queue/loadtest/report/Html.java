package dev.forebay.queue.loadtest.report;

/** Text inside a page. */
final class Html {
  private Html() {}

  /** Makes any text safe as content and as a quoted attribute. */
  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }

  static String element(String name, String content) {
    return "<" + name + ">" + content + "</" + name + ">";
  }
}
