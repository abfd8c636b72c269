// Uses the types that openapi-typescript made, by the client that goes with them; prints what the service answered.
// Arguments: the service's address, its key, a file with a lead that it takes.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi-typescript";

const [url, key, file] = process.argv.slice(2) as [string, string, string];
const lead = JSON.parse(readFileSync(file, "utf8")) as components["schemas"]["Lead"];
const wrong = { lead_id: "wrong", features: {} } as components["schemas"]["Lead"];
const client = createClient<paths>({ baseUrl: url, headers: { "X-API-Key": key } });

function scored(place: components["schemas"]["Scored"] | components["schemas"]["Refused"]): number | null {
  return "score" in place ? place.score.raw_score : null;
}

async function use(): Promise<void> {
  const one = await client.POST("/api/v1/score", { params: { query: { reasons: 2, include_details: true } }, body: lead });
  const batch = await client.POST("/api/v1/score/batch", { body: [lead, wrong] });
  const refused = await client.POST("/api/v1/score", { body: wrong });
  const model = await client.GET("/api/v1/model/info");
  if (one.error || batch.error || !refused.error || model.error) throw new Error("an answer of the wrong kind");
  if (scored(batch.data[0]!) !== one.data.score.raw_score) throw new Error("alone and in a batch differ");
  const first: string = refused.error.errors![0]!.path;
  console.log(
    JSON.stringify({ one: one.data, batch: batch.data, refused: refused.error, first, model: model.data }),
  );
}

void use();
