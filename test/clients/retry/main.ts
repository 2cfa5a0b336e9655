// Has some writers make some edits each, all at once, through the loop that the
// example documents, and prints what became of them.
import { Refused, save, SavedElsewhere, type Versioned } from "./retry.js";

interface Brand extends Versioned {
  n: number;
  [edit: string]: unknown;
}

declare const process: { argv: string[] };
const [url = "", writers = "", edits = "", members = ""] = process.argv.slice(2);

const report = {
  runs: 0, // of edits
  saved: [] as string[],
  elsewhere: [] as string[],
  messages: [] as string[],
  refused: [] as { status: number; code?: string | undefined; correlationId?: string | undefined }[],
  waits: [] as number[], // in milliseconds
};

// Waits are noted where they begin, so that nothing has to be measured. fetch has
// longer ones of its own.
const { setTimeout } = globalThis;
globalThis.setTimeout = ((resume: () => void, ms = 0) => {
  if (ms < 400) report.waits.push(ms);
  return setTimeout(resume, ms);
}) as typeof setTimeout;

async function write(writer: number): Promise<void> {
  for (let done = 0; done < Number(edits); done++) {
    const id = `writer${writer}edit${done}`;
    try {
      await save<Brand>(url, (brand) => {
        report.runs++;
        // Which version is sent is not for an edit to say.
        return { ...brand, ...JSON.parse(members), version: 1000, n: brand.n + 1, [id]: true };
      });
      report.saved.push(id);
    } catch (error) {
      if (error instanceof SavedElsewhere) report.elsewhere.push(id);
      else if (error instanceof Refused) report.refused.push({ status: error.status, code: error.code, correlationId: error.correlationId });
      else throw error;
      report.messages.push(error.message);
    }
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
console.log(JSON.stringify(report));
