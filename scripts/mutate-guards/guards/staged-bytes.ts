import type { Cut, Guard } from '../guard.ts'

const FILE = 'test/adversary/builder-file.test.ts'
const REFERENCES = 'test/adversary/builder-narinfo.test.ts'
const FIXED_OUTPUT = 'test/local/publish/fixed-output.test.ts'

/** The whole of what is read of a file before it is unpacked. */
const FRAME: Cut = {
  file: 'functions/shared/zstd-frame.ts',
  text: '    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)\n',
  without: "    this.#part = 'end'\n    let rest = Buffer.alloc(0)\n",
}
const DECOMPRESSOR = {
  file: 'functions/shared/nar-file.ts',
  text: 'createZstdDecompress(unpacking(expectation.maxSize)),',
}
/** A decompressor that finds out by itself what it has, as curl and many others do. */
const ANY_COMPRESSION = `async function* (bytes: AsyncIterable<Uint8Array>) {
        const zlib = process.getBuiltinModule('node:zlib')
        const chunks: Uint8Array[] = []
        for await (const chunk of bytes) chunks.push(chunk)
        const file = Buffer.concat(chunks)
        yield file[0] === 0x1f ? zlib.gunzipSync(file) : zlib.zstdDecompressSync(file)
      },`

/** Of the files that a builder stages: design section 6, 2 and 3. Those of the NAR's own form are in `nar-form.ts`. */
export const STAGED_BYTES: Guard[] = [
  {
    name: 'FileHash is recomputed',
    file: 'functions/publish/read-staged-nar.ts',
    text: "  check('FileHash',",
    without: "  void ('FileHash',",
    test: 'test/local/publish/staged-bytes.test.ts',
    only: ['FileHash is wrong'],
  },
  {
    name: 'FileSize is recomputed',
    file: 'functions/publish/read-staged-nar.ts',
    text: "  check('FileSize',",
    without: "  void ('FileSize',",
    test: FILE,
    only: ['FileSize one less'],
  },
  {
    name: 'NarHash is recomputed',
    file: 'functions/publish/read-staged-nar.ts',
    text: "  check('NarHash',",
    without: "  void ('NarHash',",
    test: FILE,
    only: ['NarHash of nothing'],
  },
  {
    name: 'NarSize is recomputed',
    file: 'functions/publish/read-staged-nar.ts',
    text: "  check('NarSize',",
    without: "  void ('NarSize',",
    test: FILE,
    only: ['NarSize one more'],
  },
  {
    name: 'a file expands to no more than NarSize: zstd bombs',
    file: 'nix/nar-verification.ts',
    text: 'if (narSize > maxSize) throw new NarTooLarge(maxSize)',
    without: '',
    test: FILE,
    only: ['1 GiB of zeros in a file of a NAR', 'NarSize eight less'],
  },
  {
    name: 'NarSize is no more than the deployment allows',
    file: 'functions/publish/read-staged-nar.ts',
    text: 'if (info.narSize > publication.maxNarSize)',
    without: 'if (info.narSize < 0)',
    test: FILE,
    only: ['2^53 - 1 bytes'],
  },
  {
    name: 'a file is one zstd frame and nothing behind it',
    file: 'functions/shared/zstd-frame.ts',
    text: "if (this.#part === 'end') throw new NotOneFrame('it goes on behind the end of its zstd frame')",
    without: "if (this.#part === 'end') return",
    test: FILE,
    only: ['behind'],
  },
  {
    name: 'a file is the whole of its zstd frame: not truncated',
    file: 'functions/shared/zstd-frame.ts',
    text: 'if (!isWhole || !isEnd) throw',
    without: 'if (isWhole === undefined) throw',
    test: FILE,
    only: ['without its last block', 'truncated'],
    covered: {
      by: 'Node’s decompressor asks for the end, too',
      ...DECOMPRESSOR,
      without: 'createZstdDecompress({ finishFlush: 1 }),',
    },
  },
  {
    name: 'a file is zstd: not gzip, xz, brotli, bzip2 or nothing',
    ...FRAME,
    test: FILE,
    only: ['another compression than zstd > gzip'],
    covered: {
      by: 'Node’s decompressor takes nothing else',
      ...DECOMPRESSOR,
      without: ANY_COMPRESSION,
    },
  },
  {
    name: 'what a NAR mentions is declared, itself included',
    file: 'functions/publish/verify-output.ts',
    text: 'const undeclared = found.filter((reference) => !declared.includes(reference))',
    without: 'const undeclared: StorePath[] = []',
    test: REFERENCES,
    only: ['so that clients get no glibc', 'mentioned and not declared'],
  },
  {
    name: 'what is declared occurs in the NAR, and is of its closure',
    file: 'functions/publish/verify-output.ts',
    text: 'const absent = declared.filter((reference) => !found.includes(reference))',
    without: 'const absent: StorePath[] = []',
    test: REFERENCES,
    only: ['a reference outside of the closure', 'itself, which it does not mention', '10,000 references'],
  },
  {
    name: 'an output’s own paths are looked for, too',
    file: 'functions/publish/verify-build.ts',
    text: 'const candidates = [...inputs, ...Object.values(outputs)]',
    without: 'const candidates = inputs',
    test: REFERENCES,
    only: ['itself, mentioned and not declared'],
  },
  {
    name: 'a fixed output has its declared content',
    file: 'functions/publish/verify-output.ts',
    text: 'if (found !== declared.hash) throw',
    without: "if (found === 'never') throw",
    test: FIXED_OUTPUT,
  },
  {
    name: 'a fixed output refers to nothing',
    file: 'functions/publish/verify-output.ts',
    text: 'if (references.length > 0) throw new FixedOutputRefers(path, references)',
    without: '',
    test: FIXED_OUTPUT,
    only: ['a reference, as in Nix'],
  },
  {
    name: 'an output keeps the rules of its derivation (disallowedReferences and their kin)',
    file: 'functions/publish/verify-build.ts',
    text: 'if (broken.length > 0) throw',
    without: 'if (broken.length < 0) throw',
    test: 'test/local/publish/reference-rules.test.ts',
  },
  {
    name: 'a source is what the archive proved',
    file: 'functions/publish/verify-source.ts',
    text: 'if (proved !== staged) throw',
    without: "if (proved === 'never') throw",
    test: 'test/local/publish/sources.test.ts',
    only: ['staged is'],
  },
]
