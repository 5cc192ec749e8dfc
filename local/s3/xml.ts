import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { malformedXml } from './errors.ts'

/** A piece of XML that is escaped already. */
export type Markup = string & { readonly markup: true }

/** Content of an element: text, nested elements, or nothing (the element is left out). */
type Content = string | number | boolean | Markup[] | undefined

/** One element; undefined content gives no element at all. */
export function element(name: string, content: Content): Markup {
  if (content === undefined) return markup('')
  const inner = Array.isArray(content) ? content.join('') : escape(String(content))
  return markup(`<${name}>${inner}</${name}>`)
}

/** A whole document in S3's namespace. */
export function document(name: string, content: Markup[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${content.join('')}</${name}>`
}

/** An error document; S3's have no namespace. */
export function errorDocument(content: Markup[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', content)}`
}

/** An element of a parsed request: its text, and its children by name. */
export interface Node {
  text: string
  children: Map<string, Node[]>
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  // Numeric character references: without this, a key with `&#13;` would be another key.
  htmlEntities: true,
})

/**
 * Parses a request's XML.
 * @param root name that the document's element must have
 * @throws MalformedXML for anything else, and for a document type declaration
 */
export function parseXml(text: string, root: string): Node {
  if (XMLValidator.validate(text) !== true) throw malformedXml('The XML is not well-formed')
  if (text.includes('<!DOCTYPE')) throw malformedXml('A document type declaration is not allowed')
  const parsed: unknown = parser.parse(text)
  const found = toNode(parsed).children.get(root)?.[0]
  if (found === undefined) throw malformedXml(`The XML's root element must be ${root}`)
  return found
}

/** The text of the only child of that name. @throws MalformedXML when it is there twice, or is required and is not there */
export function textOf(node: Node, name: string): string | undefined {
  const found = node.children.get(name)
  if (found === undefined) return undefined
  if (found.length > 1) throw malformedXml(`The element ${name} is there more than once`)
  return found[0]?.text
}

/** @throws MalformedXML when the element is missing */
export function requiredTextOf(node: Node, name: string): string {
  const text = textOf(node, name)
  if (text === undefined) throw malformedXml(`The element ${name} is missing`)
  return text
}

/** @throws MalformedXML for a child that is not one of these */
export function allowChildren(node: Node, names: string[]): void {
  for (const name of node.children.keys()) {
    if (!names.includes(name)) throw malformedXml(`The element ${name} is not known here`)
  }
}

/** fast-xml-parser's ordered form: a list of `{name: [...]}` and `{'#text': '…'}`. */
function toNode(parsed: unknown): Node {
  const node: Node = { text: '', children: new Map() }
  for (const item of Array.isArray(parsed) ? parsed : []) {
    for (const [name, value] of Object.entries<unknown>(item)) {
      if (name === '#text') node.text += String(value)
      else node.children.set(name, [...(node.children.get(name) ?? []), toNode(value)])
    }
  }
  return node
}

function escape(text: string): string {
  if (!/[&<>"\p{Cc}]/u.test(text)) return text
  return text.replaceAll(
    /[&<>"\p{Cc}]/gu,
    (sign) => ENTITIES[sign] ?? `&#x${sign.codePointAt(0)?.toString(16)};`,
  )
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function markup(text: string): Markup {
  return text as Markup
}
