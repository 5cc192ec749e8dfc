import { createHash } from 'node:crypto'
import { answerXml } from './answer.ts'
import { checksumElements, compositeChecksum, elementOf, type Checksum } from './checksums.ts'
import { invalidRequest, malformedXml, noSuchUpload, S3Error } from './errors.ts'
import { findUpload } from './multipart.ts'
import type { Part, StoredObject, Upload } from './records.ts'
import { receiveText } from './receive.ts'
import { headerOf, type S3Call, type Store } from './request.ts'
import { authorizeWrite, commitObject, discardBodies, writeConditions } from './writing.ts'
import { allowChildren, document, element, parseXml, requiredTextOf, textOf, type Node } from './xml.ts'

// S3 user guide, "Amazon S3 multipart upload limits": every part but the last has at least 5 MiB.
const SMALLEST_PART = 5 * 1024 * 1024
const MOST_PARTS = 10_000
// 10,000 parts of some 200 bytes each.
const LARGEST_REQUEST = 4 * 1024 * 1024

/** CompleteMultipartUpload: joins the listed parts into one body and makes it an object, in one step and unless its conditions fail. */
export async function completeMultipartUpload(call: S3Call): Promise<void> {
  const { store, bucket, key } = call
  const conditions = writeConditions(call)
  authorizeWrite(call, conditions, [])
  const upload = findUpload(call)
  const request = parseXml(await receiveText(call, LARGEST_REQUEST), 'CompleteMultipartUpload')
  const parts = listedParts(request, upload, store.index.parts(upload.id))
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  checkSize(headerOf(call.request, 'x-amz-mp-object-size'), size)

  const { file } = await joinParts(store, parts)
  const object: StoredObject = {
    key,
    size,
    file,
    etag: multipartEtag(parts),
    modified: Date.now(),
    attributes: upload.attributes,
    checksum: checksumOf(upload, parts),
    tags: upload.tags,
  }
  // Uploaded parts that were not listed are dropped with the upload.
  const dropped: string[] = []
  await commitObject(store, bucket, object, conditions, 'CompleteMultipartUpload', () => {
    if (store.index.upload(upload.id) === undefined) throw noSuchUpload(upload.id)
    dropped.push(...store.index.parts(upload.id).map((part) => part.file))
    store.index.completeUpload(upload.id, bucket, object)
  })
  await discardBodies(store, dropped)
  answerXml(
    call,
    document('CompleteMultipartUploadResult', [
      element('Location', `http://${headerOf(call.request, 'host') ?? ''}/${bucket}/${encodeURI(key)}`),
      element('Bucket', bucket),
      element('Key', key),
      element('ETag', `"${object.etag}"`),
      ...(object.checksum === undefined
        ? []
        : [
            element(elementOf(object.checksum.algorithm), object.checksum.value),
            element('ChecksumType', object.checksum.type),
          ]),
    ]),
  )
}

/** The MD5 of the parts' MD5s, and how many there are. */
function multipartEtag(parts: Part[]): string {
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  return `${md5.digest('hex')}-${parts.length}`
}

/** The parts that the client lists, each as it was uploaded. @throws S3Error InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML */
function listedParts(request: Node, upload: Upload, uploaded: Part[]): Part[] {
  allowChildren(request, ['Part'])
  const listed = request.children.get('Part') ?? []
  if (listed.length === 0 || listed.length > MOST_PARTS) {
    throw malformedXml(`An upload is completed with 1 to ${MOST_PARTS} parts, not ${listed.length}`)
  }
  const byNumber = new Map(uploaded.map((part) => [part.number, part]))
  let previous = 0
  const parts = listed.map((node) => {
    const part = listedPart(node, upload, byNumber)
    if (part.number <= previous) {
      throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.', {
        UploadId: upload.id,
      })
    }
    previous = part.number
    return part
  })
  const small = parts.slice(0, -1).find((part) => part.size < SMALLEST_PART)
  if (small !== undefined) {
    throw new S3Error(
      400,
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      {
        PartNumber: String(small.number),
        ProposedSize: String(small.size),
        MinSizeAllowed: String(SMALLEST_PART),
      },
    )
  }
  return parts
}

function listedPart(node: Node, upload: Upload, byNumber: Map<number, Part>): Part {
  allowChildren(node, ['PartNumber', 'ETag', ...checksumElements()])
  const number = requiredTextOf(node, 'PartNumber')
  const etag = requiredTextOf(node, 'ETag').replaceAll('"', '')
  const part = byNumber.get(Number(number))
  const claimed = upload.algorithm === undefined ? undefined : textOf(node, elementOf(upload.algorithm))
  if (part === undefined || part.etag !== etag || (claimed !== undefined && claimed !== part.checksum)) {
    throw new S3Error(
      400,
      'InvalidPart',
      'One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag or checksum may not match it.',
      { UploadId: upload.id, PartNumber: number, ETag: etag },
    )
  }
  return part
}

function checkSize(claimed: string | undefined, size: number): void {
  if (claimed !== undefined && claimed !== String(size)) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${claimed} does not match what was computed: ${size}`,
    )
  }
}

function checksumOf(upload: Upload, parts: Part[]): Checksum | undefined {
  if (upload.algorithm === undefined) return undefined
  const values = parts.map((part) => part.checksum ?? '')
  return {
    algorithm: upload.algorithm,
    value: compositeChecksum(upload.algorithm, values),
    type: 'COMPOSITE',
  }
}

/** One new body of all parts. Each part is opened right before it is read: one that is replaced meanwhile makes this fail. */
async function joinParts(store: Store, parts: Part[]): Promise<{ file: string }> {
  return store.bodies.write(async (write) => {
    for (const part of parts) {
      for await (const piece of store.bodies.read(part.file)) await write(piece)
    }
    return {}
  })
}
