import { CASE_HACK_SUFFIX } from './nar-writer.ts'

/** One object of a NAR. `path` is relative, empty for the root; bytes that are no UTF-8 become U+FFFD in it. */
export type NarEntry =
  | { type: 'directory'; path: string }
  | { type: 'symlink'; path: string; target: string }
  | { type: 'regular'; path: string; executable: boolean; size: number }

// Nix's own bounds: Nix, src/libutil/archive.cc and archive.hh, `narMaxDepth`, `narMaxName`, `narMaxTarget`.
const MAX_DEPTH = 64
const MAX_NAME_BYTES = 255
const MAX_TARGET_BYTES = 4095
// The format's own words have at most 13 bytes; a little more makes the error readable.
const MAX_KEYWORD_BYTES = 32

/** The words without an alternative, each with what comes next. */
const FIXED = {
  magic: { word: 'nix-archive-1', next: 'open' },
  open: { word: '(', next: 'typeKey' },
  typeKey: { word: 'type', next: 'type' },
  executableValue: { word: '', next: 'contentsKey' },
  contentsKey: { word: 'contents', next: 'size' },
  targetKey: { word: 'target', next: 'target' },
  close: { word: ')', next: 'closed' },
  entryOpen: { word: '(', next: 'nameKey' },
  nameKey: { word: 'name', next: 'name' },
  nodeKey: { word: 'node', next: 'open' },
  entryClose: { word: ')', next: 'entry' },
} as const

/** What must come next. `closed` is passed through: an object is complete, and either an entry or the NAR ends with it. */
type State =
  | keyof typeof FIXED
  | 'type'
  | 'fileField'
  | 'size'
  | 'target'
  | 'entry'
  | 'name'
  | 'closed'
  | 'end'

/**
 * The grammar of a NAR over its words, which are byte strings (one character per byte). The words of a directory nest, but nothing here recurses.
 * Source: Dolstra's thesis, figure 5.2, and Nix, src/libutil/archive.cc.
 */
export class NarGrammar {
  #state: State = 'magic'
  #executable = false
  /** the names from the root's entry down to the object that is being read */
  readonly #path: string[] = []
  /** for each open directory the name of its last entry */
  readonly #lastNames: string[] = []
  readonly #entry: ((entry: NarEntry) => void) | undefined
  readonly #fail: (reason: string) => never

  /** @param fail throws what is wrong with the word that was just given */
  constructor(entry: ((entry: NarEntry) => void) | undefined, fail: (reason: string) => never) {
    this.#entry = entry
    this.#fail = fail
  }

  /** Whether the next thing is the size of a file, and its contents. */
  get expectsContents(): boolean {
    return this.#state === 'size'
  }

  /** Whether the NAR is complete. */
  get complete(): boolean {
    return this.#state === 'end'
  }

  /** The most bytes that the next word may have. */
  get wordLimit(): number {
    if (this.#state === 'name') return MAX_NAME_BYTES
    return this.#state === 'target' ? MAX_TARGET_BYTES : MAX_KEYWORD_BYTES
  }

  /** Takes a file's size in bytes. */
  contents(size: number): void {
    this.#entry?.({ type: 'regular', path: this.#currentPath(), executable: this.#executable, size })
    this.#state = 'close'
  }

  /** Takes the next word. */
  word(word: string): void {
    switch (this.#state) {
      case 'type':
        this.#state = this.#type(word)
        break
      case 'fileField':
        this.#state = this.#fileField(word)
        break
      case 'target':
        this.#state = this.#target(word)
        break
      case 'entry':
        this.#state = this.#entryOrEnd(word)
        break
      case 'name':
        this.#state = this.#name(word)
        break
      case 'end':
      case 'size':
      case 'closed':
        return this.#fail('no word can stand here')
      default:
        this.#state = this.#fixed(this.#state, word)
    }
    if (this.#state === 'closed') this.#state = this.#lastNames.length === 0 ? 'end' : 'entryClose'
    return undefined
  }

  #fixed(state: keyof typeof FIXED, word: string): State {
    const expected = FIXED[state]
    if (word !== expected.word) this.#unexpected(`'${expected.word}'`, word)
    if (state === 'open' && this.#lastNames.length >= MAX_DEPTH)
      this.#fail(`directories nest deeper than ${MAX_DEPTH}`)
    if (state === 'entryClose') this.#path.pop()
    return expected.next
  }

  #type(word: string): State {
    if (word === 'regular') return 'fileField'
    if (word === 'symlink') return 'targetKey'
    if (word !== 'directory') this.#unexpected(`'regular', 'symlink' or 'directory'`, word)
    this.#entry?.({ type: 'directory', path: this.#currentPath() })
    this.#lastNames.push('')
    return 'entry'
  }

  #fileField(word: string): State {
    this.#executable = word === 'executable'
    if (this.#executable) return 'executableValue'
    if (word !== 'contents') this.#unexpected(`'executable' or 'contents'`, word)
    return 'size'
  }

  #target(word: string): State {
    if (word === '' || word.includes('\0')) this.#fail('a symbolic link has an empty target, or a NUL in it')
    this.#entry?.({ type: 'symlink', path: this.#currentPath(), target: decode(word) })
    return 'close'
  }

  #entryOrEnd(word: string): State {
    if (word === 'entry') return 'entryOpen'
    if (word !== ')') this.#unexpected(`'entry' or ')'`, word)
    this.#lastNames.pop()
    return 'closed'
  }

  #name(word: string): State {
    if (word === '' || word === '.' || word === '..' || word.includes('/') || word.includes('\0')) {
      this.#fail(`${JSON.stringify(decode(word))} cannot be the name of a file`)
    }
    // macOS clients would strip the suffix again: the path would have another hash there. Newer Nix refuses it everywhere.
    if (word.includes(CASE_HACK_SUFFIX))
      this.#fail(`a name contains '${CASE_HACK_SUFFIX}', which Nix reserves`)
    const last = this.#lastNames.pop() ?? ''
    if (word <= last)
      this.#fail(
        `the entry ${JSON.stringify(decode(word))} does not sort after ${JSON.stringify(decode(last))}`,
      )
    this.#lastNames.push(word)
    this.#path.push(word)
    return 'nodeKey'
  }

  #currentPath(): string {
    return decode(this.#path.join('/'))
  }

  #unexpected(wanted: string, found: string): never {
    return this.#fail(`${wanted} was expected, found ${JSON.stringify(found)}`)
  }
}

/** A byte string as text. */
function decode(word: string): string {
  return Buffer.from(word, 'latin1').toString('utf8')
}
