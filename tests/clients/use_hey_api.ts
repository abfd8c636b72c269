// Uses the client that @hey-api/openapi-ts made; prints what the service answered.
// Arguments: the service's address, its key, a file with a lead that it takes.
import { readFileSync } from "node:fs";
import { client } from "./hey-api/client.gen";
import { getModelInfo, scoreBatch, scoreLead, type Lead, type Refused, type Scored } from "./hey-api";

const [url, key, file] = process.argv.slice(2) as [string, string, string];
const lead = JSON.parse(readFileSync(file, "utf8")) as Lead;
const wrong = { lead_id: "wrong", features: {} } as Lead;
client.setConfig({ baseUrl: url, auth: key });

function scored(place: Scored | Refused): number | null {
  return "score" in place ? place.score.raw_score : null;
}

async function use(): Promise<void> {
  const one = await scoreLead({ query: { reasons: 2, include_details: true }, body: lead });
  const batch = await scoreBatch({ body: [lead, wrong] });
  const refused = await scoreLead({ body: wrong });
  const model = await getModelInfo();
  if (!one.data || !batch.data || !refused.error || !model.data) throw new Error("an answer of the wrong kind");
  if (scored(batch.data[0]!) !== one.data.score.raw_score) throw new Error("alone and in a batch differ");
  const first: string = refused.error.errors![0]!.path;
  console.log(
    JSON.stringify({ one: one.data, batch: batch.data, refused: refused.error, first, model: model.data }),
  );
}

void use();
