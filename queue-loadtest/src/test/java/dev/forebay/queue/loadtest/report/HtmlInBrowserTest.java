package dev.forebay.queue.loadtest.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Looks at {@code report.html} in a headless browser. The pictures stay in {@code
 * target/screenshots} for people to look at.
 */
@TestInstance(Lifecycle.PER_CLASS)
class HtmlInBrowserTest {
  private static final Path PICTURES = Path.of("target", "screenshots");

  @TempDir static Path directory;

  private Chromium browser;
  private final Map<String, Path> pages = new HashMap<>();

  @BeforeAll
  void start() throws Exception {
    Optional<Path> executable = Chromium.find();
    assumeTrue(
        executable.isPresent(), "no Chromium on the PATH (Debian: apt-get install chromium)");
    browser = Chromium.start(executable.get(), directory);
    for (Map.Entry<String, Comparison> run :
        Map.of("clean", Runs.clean(), "broken", Runs.broken(), "dead", Runs.dead()).entrySet()) {
      Reports.write(run.getValue(), directory.resolve(run.getKey()));
      pages.put(run.getKey(), directory.resolve(run.getKey()).resolve(Reports.HTML));
    }
  }

  @AfterAll
  void stop() throws Exception {
    if (browser != null) {
      browser.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "clean, 1280, light",
    "clean, 1280, dark",
    "clean, 390, light",
    "clean, 390, dark",
    "clean, 320, light",
    "broken, 390, light",
    "broken, 1280, dark",
    "dead, 390, dark",
  })
  void page_fitsItsWidth_andTheBrowserHasNoComplaint(String run, int width, String colours)
      throws Exception {
    browser.open(pages.get(run), width, width < 500, colours);
    browser.screenshot(PICTURES.resolve(run + "-" + width + "-" + colours + ".png"));

    assertThat(browser.problems()).isEmpty();
    assertThat(browser.requests())
        .as("the page asks for nothing but itself")
        .allMatch(url -> url.startsWith("file:") || url.startsWith("data:"));
    assertThat(browser.evaluate("innerWidth").asInt()).isEqualTo(width);
    assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt())
        .as("no sideways scrolling")
        .isLessThanOrEqualTo(width);
    JsonNode cut =
        browser.evaluate(
            "[...document.querySelectorAll('body *')].filter(e =>"
                + " e.getBoundingClientRect().right > innerWidth + 1 ||"
                + " e.getBoundingClientRect().left < -1).map(e => e.outerHTML.slice(0, 80))");
    assertThat(cut).as("nothing reaches over the edge").isEmpty();
  }

  @Test
  void textIsReadable_inBothColourSchemes() throws Exception {
    for (String colours : new String[] {"light", "dark"}) {
      browser.open(pages.get("clean"), 390, true, colours);

      // Contrast by the formula of WCAG 2.1, for every element that holds text of its own.
      JsonNode faint =
          browser.evaluate(
              """
              (() => {
                const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
                const luminance = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
                const parse = s => s.match(/[\\d.]+/g).map(Number);
                const background = e => {
                  for (; e; e = e.parentElement) {
                    const c = parse(getComputedStyle(e).backgroundColor);
                    if (c.length === 3 || c[3] > 0) return c;
                  }
                  return [255, 255, 255];
                };
                const contrast = (a, b) => {
                  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
                  return (x + 0.05) / (y + 0.05);
                };
                return [...document.querySelectorAll('body *')]
                  .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
                  .filter(e => contrast(parse(getComputedStyle(e).color), background(e)) < 4.5)
                  .map(e => e.outerHTML.slice(0, 80));
              })()
              """);
      assertThat(faint).as("%s: text with a contrast below 4.5 to 1", colours).isEmpty();
      JsonNode small =
          browser.evaluate(
              "[...document.querySelectorAll('body *')].filter(e => e.innerText &&"
                  + " parseFloat(getComputedStyle(e).fontSize) < 9.5)"
                  + ".map(e => e.outerHTML.slice(0, 80))");
      assertThat(small).as("text too small for a phone").isEmpty();
    }
  }

  @Test
  void darkAndLight_differ() throws Exception {
    browser.open(pages.get("clean"), 390, true, "light");
    String light = browser.evaluate("getComputedStyle(document.body).backgroundColor").asText();
    browser.open(pages.get("clean"), 390, true, "dark");
    String dark = browser.evaluate("getComputedStyle(document.body).backgroundColor").asText();

    assertThat(light).isEqualTo("rgb(246, 247, 249)");
    assertThat(dark).isEqualTo("rgb(16, 20, 27)");
  }
}
