// Reads a document through two caches that are not ours, before and after it was
// changed by somebody else. Prints what each read gets.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import makeFetchHappen from "make-fetch-happen";
import { Agent, cacheStores, fetch, interceptors } from "undici";

const [url, authorization] = process.argv.slice(2);
const headers = authorization ? { authorization } : {};
const folder = await mkdtemp(join(tmpdir(), "caches-"));

const agent = new Agent().compose(interceptors.cache({ store: new cacheStores.MemoryCacheStore() }));
const caches = {
  undici: (target) => fetch(target, { dispatcher: agent, headers }),
  "make-fetch-happen": (target) => makeFetchHappen(target, { cachePath: folder, headers }),
};

for (const [name, get] of Object.entries(caches)) {
  const document = `${url}/${name}`;
  const read = async (what) => {
    const answer = await get(document);
    console.log(`${name}, ${what}: ${answer.status} ${answer.headers.get("etag")} ${await answer.text()}`);
  };
  const put = async (body, condition) => {
    const answer = await fetch(document, {
      method: "PUT",
      headers: { ...headers, "content-type": "application/json", ...condition },
      body,
    });
    await answer.text();
    if (!answer.ok) throw new Error(`PUT: ${answer.status}`);
  };
  await put('{"title":"A"}', {});
  await read("first");
  await read("again");
  await put('{"title":"B"}', { "if-match": '"1"' });
  await read("changed");
  await read("again");
}
await agent.close();
await rm(folder, { recursive: true });
