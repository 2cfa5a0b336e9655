/** A record as the API gives it: its version is one of its members. */
export interface Versioned {
  version: number;
}

/** What a person is told after three attempts. Nothing of theirs was stored. */
export class SavedElsewhere extends Error {
  constructor() {
    super("saved elsewhere; refresh to see the latest");
  }
}

/** Any other refusal. To try it again as it is would not help. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string | undefined; // undefined where something in between has answered
  readonly correlationId: string | undefined;

  constructor(status: number, error?: { code: string; message: string; correlationId: string }) {
    super(error?.message ?? `status ${status}`);
    this.status = status;
    this.code = error?.code;
    this.correlationId = error?.correlationId;
  }
}

const attempts = 3;

/**
 * Stores what edit makes of the record at url, and returns it as it was stored.
 * Where somebody else was faster, their version is read and edit is run on that:
 * to send the old content again would undo their change. Throws SavedElsewhere
 * where others were faster each time, and Refused for any other refusal.
 */
export async function save<T extends Versioned>(url: string, edit: (record: T) => T): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const read = await fetch(url);
    if (!read.ok) throw await refusal(read);
    const record: T = await read.json();
    const { version } = record;

    const written = await fetch(url, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...edit(record), version }),
    });
    if (written.ok) return await written.json();
    const refused = await refusal(written);
    if (refused.code !== "CONFLICT") throw refused;
    if (attempt === attempts) throw new SavedElsewhere();
    await new Promise((resume) => setTimeout(resume, 50 + 150 * Math.random()));
  }
}

async function refusal(answer: Response): Promise<Refused> {
  const ours = answer.headers.get("Content-Type") === "application/json";
  return new Refused(answer.status, ours ? (await answer.json()).error : undefined);
}
