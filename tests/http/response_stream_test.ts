import { assertEquals } from "@std/assert";
import { watchEnd } from "../../src/http/response_stream.ts";

function watched(source: UnderlyingDefaultSource) {
  const ends: boolean[] = [];
  const watcher = { streamBegun() {}, streamEnded: (isWhole: boolean) => void ends.push(isWhole) };
  return { ends, stream: watchEnd(new ReadableStream(source), watcher) };
}

Deno.test("a stream that the client leaves while it waits for a chunk ends once, and not as a whole", async () => {
  const isPulled = Promise.withResolvers<void>();
  const { ends, stream } = watched({ pull: () => isPulled.resolve() });
  const reader = stream.getReader();
  const reading = reader.read();
  await isPulled.promise;
  await reader.cancel();
  assertEquals((await reading).done, true);
  // The watched stream has learnt of the end of its own read.
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(ends, [false]);
});

Deno.test("a stream that is read to its end ends as a whole", async () => {
  const { ends, stream } = watched({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("text"));
      controller.close();
    },
  });
  assertEquals(await new Response(stream).text(), "text");
  assertEquals(ends, [true]);
});
