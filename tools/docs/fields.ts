/** docs/reference/fields.md, from the field table. */
import { flowFieldList } from "../../src/flow/mod.ts";
import { code, generatedNote, markdownTable } from "./markdown.ts";

export function fieldsPage(): string {
  const rows = flowFieldList.map((field) => [
    code(field.name),
    field.description,
    field.unit ?? "",
    elementsOf(field.informationElement, field.informationElementIpv6),
    code(field.column),
    code(field.sagRecord ?? ""),
  ]);
  const titles = ["field", "what it is", "unit", "IPFIX element", "store column", "record field"];
  return `# Fields of a flow

What Weir knows of a flow, and what each field is called where it goes: the IPFIX information element (with
the IPv6 one after it), the store's column, and the field of a Smart Access Gateway record.

${generatedNote}
${markdownTable(titles, rows)}`;
}

function elementsOf(element: number | undefined, elementIpv6: number | undefined): string {
  return [element, elementIpv6].filter((id) => id !== undefined).join(", ");
}
