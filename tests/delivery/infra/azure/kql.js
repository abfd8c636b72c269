// Says what is wrong with queries, by the parser that Azure's own editors use: {name: query} in, {name: [...]} out.
"use strict";
const fs = require("fs");
const vm = require("vm");

const folder = `${process.argv[2]}/node_modules/@kusto/language-service-next`;
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(`${folder}/${file}`, "utf8"), { filename: file });
}
const list = (many) => Array.from({ length: many.Count }, (_, index) => many.getItem(index));

const found = {};
for (const [name, query] of Object.entries(JSON.parse(fs.readFileSync(0, "utf8")))) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(query, Kusto.Language.GlobalState.Default);
  found[name] = {
    faults: list(code.GetDiagnostics()).map((fault) => fault.Message),
    columns: Object.fromEntries(list(code.ResultType.Columns).map((column) => [column.Name, column.Type.Name])),
  };
}
process.stdout.write(JSON.stringify(found));
