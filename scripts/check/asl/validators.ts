import aslLanguageService from 'amazon-states-language-service'
import validateAsl from 'asl-validator'
import type { Fault } from '../finding.ts'
import { below, isObject, objectOf, type JsonObject } from '../json.ts'

/**
 * The two validators that exist. Neither finds what the other finds: Amazon's misses JSONPath fields and syntax errors in expressions,
 * asl-validator misses unknown fields of Retry and Catch, and says little about what it finds.
 */

/** Amazon's own language service, as in its editors. It reads the text, so it alone sees a key that stands twice. */
export async function amazonsFindings(text: string): Promise<Fault[]> {
  const service = aslLanguageService.getLanguageService({})
  const document = aslLanguageService.TextDocument.create('file:///machine.asl.json', 'asl', 1, text)
  const tree = service.parseJSONDocument(document)
  if (!isSyntaxTree(tree))
    throw new TypeError('amazon-states-language-service no longer gives a tree of JSON nodes')
  const diagnostics = await service.doValidation(document, tree)
  return diagnostics.map(({ message, range }) => {
    const at = pathTo(tree.getNodeFromOffset(document.offsetAt(range.start), true))
    const text = typeof message === 'string' ? message : message.value
    const problem = `${text.replace(/\.$/, '')}, line ${range.start.line + 1}`
    return { ...splitPath(at), problem, remedy: '' }
  })
}

/** What the service really returns. Source: vscode-json-languageservice 3.4.9, `jsonParser.ts`; its published type is opaque. */
interface SyntaxTree {
  getNodeFromOffset(offset: number, includeRightBound: boolean): Node | undefined
}

function isSyntaxTree(value: object): value is SyntaxTree {
  return 'getNodeFromOffset' in value
}

interface Node {
  type: string
  /** null at the root */
  parent?: Node | null
  keyNode?: Node
  items?: Node[]
  value?: unknown
}

function pathTo(node: Node | undefined): (string | number)[] {
  const parent = node?.parent ?? undefined
  if (node === undefined || parent === undefined) return []
  if (parent.type === 'array') return [...pathTo(parent), parent.items?.indexOf(node) ?? 0]
  if (parent.type === 'property')
    return [...pathTo(parent.parent ?? undefined), String(parent.keyNode?.value)]
  return node.type === 'property' ? [...pathTo(parent), String(node.keyNode?.value)] : pathTo(parent)
}

/** asl-validator, which writes into what it is given. */
export function aslValidatorsFindings(definition: JsonObject): Fault[] {
  const copy: unknown = structuredClone(definition)
  if (!isMachine(copy)) return []
  return validateAsl(copy).errors.map(({ Message: message, schemaError }) => {
    const path = (schemaError?.instancePath ?? '').split('/').slice(1)
    return {
      ...splitPath(path.map((step) => (/^\d+$/.test(step) ? Number(step) : step))),
      problem: message,
      remedy: '',
    }
  })
}

function isMachine(value: unknown): value is Parameters<typeof validateAsl>[0] {
  return (
    isObject(value) && isObject(value['States']) && Object.values(objectOf(value['States'])).every(isObject)
  )
}

/** `['States', 'Build', 'Retry', 0]` as the state `Build` and its field `Retry[0]`. */
function splitPath(path: (string | number)[]): { where: string; field: string } {
  const names: string[] = []
  let rest = path
  for (let found = stateAt(rest); found !== undefined; found = stateAt(rest)) {
    names.push(found.name)
    rest = found.rest
  }
  return { where: names.join('/'), field: rest.reduce<string>(below, '') }
}

function stateAt(path: (string | number)[]): { name: string; rest: (string | number)[] } | undefined {
  const prefix = [['States'], ['ItemProcessor', 'States'], ['Branches', undefined, 'States']].find((prefix) =>
    prefix.every((step, index) => step === undefined || step === path[index]),
  )
  if (prefix === undefined || path.length <= prefix.length) return undefined
  return { name: String(path[prefix.length]), rest: path.slice(prefix.length + 1) }
}
