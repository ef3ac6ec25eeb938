package dev.forebay.queue.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** README leads to every example, and says how to run one that can be run. */
class ReadmeTest {

  private static final Path ROOT = Path.of("..");
  private static final Pattern LINK = Pattern.compile("\\]\\((examples[^)]*\\.java)\\)");
  private static final Pattern RUN =
      Pattern.compile("mvn .*-Pexample -pl (examples\\S*) -am -Dexample=(\\w+)");

  private final String readme;

  ReadmeTest() throws IOException {
    readme = Files.readString(ROOT.resolve("README.md"));
  }

  private static boolean canBeRun(Path source) {
    try {
      return Files.readString(source).contains("public static void main(String[] args)");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Set<String> examples(String module) throws IOException {
    Path sources = ROOT.resolve(module).resolve("src/main/java");
    try (Stream<Path> files = Files.walk(sources)) {
      return new TreeSet<>(
          files
              .filter(file -> file.toString().endsWith(".java") && canBeRun(file))
              .map(file -> ROOT.relativize(file).toString().replace('\\', '/'))
              .toList());
    }
  }

  @Test
  void everyExampleIsNamedAndEveryNameIsAFile() throws IOException {
    Set<String> linked = new TreeSet<>();
    Matcher links = LINK.matcher(readme);
    while (links.find()) {
      linked.add(links.group(1));
    }
    assertThat(linked).allMatch(file -> Files.exists(ROOT.resolve(file)));
    for (String module : List.of("examples", "examples-redis")) {
      assertThat(linked).containsAll(examples(module));
    }
  }

  @Test
  void theCommandsNameAnExampleOfTheModuleThatHasTheProfile() throws IOException {
    Matcher commands = RUN.matcher(readme);
    assertThat(commands.find()).isTrue();
    do {
      assertThat(examples(commands.group(1)))
          .anyMatch(file -> file.endsWith("/" + commands.group(2) + ".java"));
      assertThat(Files.readString(ROOT.resolve(commands.group(1)).resolve("pom.xml")))
          .contains("<id>example</id>");
    } while (commands.find());
  }
}
