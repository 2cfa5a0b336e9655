// Speaks to a server with the S3 client as it comes: create only, conditional
// overwrite, conditional read, conditional delete. Prints one line a step.
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

const client = new S3Client({
  endpoint: process.argv[2],
  region: "eu-central-1",
  forcePathStyle: true,
  credentials: { accessKeyId: "nobody", secretAccessKey: "nothing" },
  maxAttempts: 1,
});
const object = { Bucket: "docs", Key: "report-1" };
const content = (title) => ({ ...object, ContentType: "application/json", Body: JSON.stringify({ title }) });

async function step(name, command) {
  try {
    const answer = await client.send(command);
    const body = answer.Body ? ` ${await answer.Body.transformToString()}` : "";
    console.log(`${name}: ${answer.$metadata.httpStatusCode} ${answer.ETag ?? "-"}${body}`);
  } catch (error) {
    console.log(`${name}: ${error.$metadata?.httpStatusCode ?? error} refused`);
  }
}

await step("create", new PutObjectCommand({ ...content("A"), IfNoneMatch: "*" }));
await step("create again", new PutObjectCommand({ ...content("B"), IfNoneMatch: "*" }));
await step("read", new GetObjectCommand(object));
await step("overwrite what was read", new PutObjectCommand({ ...content("C"), IfMatch: '"1"' }));
await step("overwrite what is gone", new PutObjectCommand({ ...content("D"), IfMatch: '"1"' }));
await step("overwrite unseen", new PutObjectCommand(content("E")));
await step("read what changed", new GetObjectCommand({ ...object, IfNoneMatch: '"1"' }));
await step("read what did not", new GetObjectCommand({ ...object, IfNoneMatch: '"2"' }));
await step("delete what is gone", new DeleteObjectCommand({ ...object, IfMatch: '"1"' }));
await step("delete what was read", new DeleteObjectCommand({ ...object, IfMatch: '"2"' }));
await step("read nothing", new GetObjectCommand(object));
