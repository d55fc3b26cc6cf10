import { assertEquals, assertMatch } from "@std/assert";
import { BoundBrowser } from "../_support/bound_browser.ts";
import { makeCertificate } from "../_support/certificate.ts";
import { launchProfile, skipChromium } from "../_support/chromium.ts";
import { DemoProcess } from "../_support/demo_process.ts";
import { freePort } from "../_support/server_process.ts";

Deno.test({
  name: "demo in a browser: a login on TLS is bound to its device, and the devices say so",
  ignore: skipChromium(),
  fn: async () => {
    await using cleanup = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "hono-session-" });
    cleanup.defer(() => Deno.remove(folder, { recursive: true }));
    const { cert, key, keyHash } = await makeCertificate(["localhost"]);
    const environment = {
      PORT: String(freePort()),
      DEMO_KV: `${folder}/sessions.kv`,
      DEMO_CERT: `${folder}/cert.pem`,
      DEMO_KEY: `${folder}/key.pem`,
    };
    await Deno.writeTextFile(environment.DEMO_CERT, cert);
    await Deno.writeTextFile(environment.DEMO_KEY, key);

    let demo = cleanup.use(new DemoProcess(environment));
    const address = await demo.ready();
    assertEquals(address, `https://localhost:${environment.PORT}`);
    const context = await launchProfile(`${folder}/profile`, { keyHash });
    const browser = cleanup.use(await BoundBrowser.of(context));
    const { page } = browser;
    await page.goto(`${address}/login`);
    await page.getByLabel("Name").fill("Ada");
    await page.getByRole("button", { name: "Log in" }).click();
    await browser.saw("created Success");
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    assertMatch(await page.locator(".devices").innerText(), /Bound to this device since \d+ /);

    // The binding is as good after a restart of the demo.
    assertEquals((await demo.stop()).code, 0);
    demo = cleanup.use(new DemoProcess(environment));
    await demo.ready();
    await browser.dropCookie("sid-device");
    await page.goto(`${address}/devices`);
    await browser.saw("refreshed Refreshed");
    assertMatch(await page.locator(".devices").innerText(), /Bound to this device since \d+ /);
  },
});
