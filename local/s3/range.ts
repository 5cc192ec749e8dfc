import { notImplemented, S3Error } from './errors.ts'

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * Reads a Range header. One that is not in the form `bytes=…` is ignored, as RFC 9110 section 14.2 demands.
 * @throws S3Error InvalidRange (416) when no byte of the object is in it; NotImplemented for several ranges, which S3 does not have either
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return undefined
  if (/^bytes=.*,/.test(header)) throw notImplemented('Range with several ranges')
  const parsed = /^bytes=(?<first>\d*)-(?<last>\d*)$/.exec(header.trim())?.groups
  const first = parsed?.['first'] ?? ''
  const last = parsed?.['last'] ?? ''
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    if (length === 0) throw invalidRange(header, size)
    return { start: size - length, end: size - 1 }
  }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= size) throw invalidRange(header, size)
  return { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) }
}

/**
 * Reads x-amz-copy-source-range, which S3 takes in the one form `bytes=first-last` and never beyond the source's end.
 * @throws S3Error InvalidArgument, InvalidRange
 */
export function parseCopyRange(header: string | undefined, size: number): ByteRange | undefined {
  if (header === undefined) return undefined
  const parsed = /^bytes=(?<first>\d+)-(?<last>\d+)$/.exec(header)?.groups
  const start = Number(parsed?.['first'])
  const end = Number(parsed?.['last'])
  if (parsed === undefined || start > end) {
    throw new S3Error(400, 'InvalidArgument', 'x-amz-copy-source-range must be bytes=<first>-<last>')
  }
  if (end >= size) throw invalidRange(header, size)
  return { start, end }
}

function invalidRange(header: string, size: number): S3Error {
  return new S3Error(
    416,
    'InvalidRange',
    'The requested range is not satisfiable',
    { RangeRequested: header, ActualObjectSize: String(size) },
    { 'content-range': `bytes */${size}` },
  )
}
