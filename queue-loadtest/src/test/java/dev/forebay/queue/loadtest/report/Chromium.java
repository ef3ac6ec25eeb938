package dev.forebay.queue.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A headless browser, driven over its own debugging protocol: that is the only way to give a page
 * the width of a phone (a window has a least width) and a colour scheme. Not thread-safe.
 */
final class Chromium implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Pattern ENDPOINT = Pattern.compile("DevTools listening on (ws://\\S+)");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final BlockingQueue<JsonNode> received = new LinkedBlockingQueue<>();
  private final List<String> problems = new ArrayList<>();
  private final List<String> requests = new ArrayList<>();
  private final WebSocket socket;
  private int lastId;
  private String session = "";

  private Chromium(Process process, WebSocket.Builder connector, URI endpoint) throws Exception {
    this.process = process;
    socket =
        connector
            .buildAsync(endpoint, new Receiver(received))
            .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** The browser of this machine, if there is one. */
  static Optional<Path> find() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of("chromium", "chromium-browser", "google-chrome")
        .flatMap(name -> Stream.of(path.split(":")).map(directory -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it with all that it writes under {@code directory}. */
  static Chromium start(Path executable, Path directory) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
                executable.toString(),
                "--headless",
                // Containers run as root and have a small /dev/shm; neither suits the defaults.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--hide-scrollbars",
                "--user-data-dir=" + directory.resolve("profile"),
                "--remote-debugging-port=0",
                "about:blank")
            .redirectErrorStream(true);
    builder.environment().put("TMPDIR", directory.toString());
    Process process = builder.start();
    try {
      return new Chromium(
          process, HttpClient.newHttpClient().newWebSocketBuilder(), endpoint(process));
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static URI endpoint(Process process) throws Exception {
    CompletableFuture<URI> endpoint = new CompletableFuture<>();
    Thread reader =
        new Thread(
            () -> {
              // Reads to the end, for a full pipe would stop the browser.
              try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                  Matcher matcher = ENDPOINT.matcher(line);
                  if (matcher.find()) {
                    endpoint.complete(URI.create(matcher.group(1)));
                  }
                }
                endpoint.completeExceptionally(new IOException("the browser ended"));
              } catch (IOException e) {
                endpoint.completeExceptionally(e);
              }
            },
            "chromium-output");
    reader.setDaemon(true);
    reader.start();
    return endpoint.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  /** Opens a page of this width in pixels and waits until it is loaded. */
  void open(Path page, int width, boolean phone, String colourScheme) throws Exception {
    String target =
        call("Target.createTarget", JSON.createObjectNode().put("url", "about:blank"))
            .get("targetId")
            .asText();
    session =
        call(
                "Target.attachToTarget",
                JSON.createObjectNode().put("targetId", target).put("flatten", true))
            .get("sessionId")
            .asText();
    call("Runtime.enable", JSON.createObjectNode());
    call("Log.enable", JSON.createObjectNode());
    call("Network.enable", JSON.createObjectNode());
    call("Page.enable", JSON.createObjectNode());
    call(
        "Emulation.setDeviceMetricsOverride",
        JSON.createObjectNode()
            .put("width", width)
            .put("height", 844)
            .put("deviceScaleFactor", phone ? 2 : 1)
            .put("mobile", phone));
    ObjectNode media = JSON.createObjectNode();
    media
        .putArray("features")
        .addObject()
        .put("name", "prefers-color-scheme")
        .put("value", colourScheme);
    call("Emulation.setEmulatedMedia", media);
    received.clear();
    problems.clear();
    requests.clear();
    call("Page.navigate", JSON.createObjectNode().put("url", page.toUri().toString()));
    await(message -> message.path("method").asText().equals("Page.loadEventFired"));
  }

  /** The value of a JavaScript expression. */
  JsonNode evaluate(String expression) throws Exception {
    JsonNode answer =
        call(
            "Runtime.evaluate",
            JSON.createObjectNode().put("expression", expression).put("returnByValue", true));
    if (answer.has("exceptionDetails")) {
      throw new IOException("cannot evaluate " + expression + ": " + answer);
    }
    return answer.path("result").path("value");
  }

  /** Saves the whole page as a picture. */
  void screenshot(Path file) throws Exception {
    JsonNode answer =
        call(
            "Page.captureScreenshot",
            JSON.createObjectNode().put("format", "png").put("captureBeyondViewport", true));
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(answer.get("data").asText()));
  }

  /** What the browser complained of since the page was opened. */
  List<String> problems() {
    return List.copyOf(problems);
  }

  /** What the page asked for, itself included. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  private JsonNode call(String method, ObjectNode parameters) throws Exception {
    lastId++;
    ObjectNode request = JSON.createObjectNode().put("id", lastId).put("method", method);
    if (!session.isEmpty() && !method.startsWith("Target.")) {
      request.put("sessionId", session);
    }
    request.set("params", parameters);
    socket
        .sendText(JSON.writeValueAsString(request), true)
        .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    int id = lastId;
    JsonNode answer = await(message -> message.path("id").asInt() == id);
    if (answer.has("error")) {
      throw new IOException(method + ": " + answer.get("error"));
    }
    return answer.get("result");
  }

  /** Notes events as they pass by. */
  private JsonNode await(Predicate<JsonNode> wanted) throws Exception {
    while (true) {
      JsonNode message = received.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (message == null) {
        throw new TimeoutException("the browser does not answer");
      }
      switch (message.path("method").asText()) {
        case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled" ->
            problems.add(message.get("params").toString());
        case "Network.requestWillBeSent" ->
            requests.add(message.at("/params/request/url").asText());
        default -> {}
      }
      if (wanted.test(message)) {
        return message;
      }
    }
  }

  /** Ends the browser and its helpers, so that nobody writes to the profile any more. */
  @Override
  public void close() throws Exception {
    List<ProcessHandle> all =
        Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
    socket.abort();
    process.destroy();
    for (ProcessHandle each : all) {
      try {
        each.onExit().get(10, TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        each.destroyForcibly();
        each.onExit().get(10, TimeUnit.SECONDS);
      }
    }
  }

  /** Puts the parts of a message together. */
  private static final class Receiver implements WebSocket.Listener {
    private final BlockingQueue<JsonNode> received;
    private final StringBuilder text = new StringBuilder();

    Receiver(BlockingQueue<JsonNode> received) {
      this.received = received;
    }

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        try {
          received.add(JSON.readTree(text.toString()));
        } catch (IOException e) {
          throw new AssertionError("the browser sent something that is not JSON", e);
        }
        text.setLength(0);
      }
      webSocket.request(1);
      return CompletableFuture.completedFuture(null);
    }
  }
}
