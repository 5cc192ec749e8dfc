import { AccessDenied } from '../gateway/service.ts'
import { answerEmpty, answerXml } from './answer.ts'
import { checkDeleteCondition } from './conditions.ts'
import { invalidRequest, malformedXml, notImplemented, S3Error } from './errors.ts'
import { hasIntegrityCheck, receiveText } from './receive.ts'
import { authorize, headerOf, requireBucket, type S3Call } from './request.ts'
import { discardBodies } from './writing.ts'
import {
  allowChildren,
  document,
  element,
  parseXml,
  requiredTextOf,
  textOf,
  type Markup,
  type Node,
} from './xml.ts'

// S3 API reference, DeleteObjects.
const MOST_KEYS = 1000
// 1,000 keys of 1,024 bytes, each byte at worst a character reference of 6.
const LARGEST_REQUEST = 8 * 1024 * 1024

/** DeleteObject. A key that has no object is deleted as well. */
export async function deleteObject(call: S3Call): Promise<void> {
  await deleteKey(call, call.key, headerOf(call.request, 'if-match'))
  answerEmpty(call, 204)
}

/** DeleteObjects: each key succeeds or fails by itself, and nothing is said about their order. */
export async function deleteObjects(call: S3Call): Promise<void> {
  if (!hasIntegrityCheck(call)) {
    throw invalidRequest('Missing required header for this request: Content-MD5 OR x-amz-checksum-*')
  }
  const request = parseXml(await receiveText(call, LARGEST_REQUEST), 'Delete')
  requireBucket(call, call.bucket)
  allowChildren(request, ['Object', 'Quiet'])
  const objects = request.children.get('Object') ?? []
  if (objects.length === 0 || objects.length > MOST_KEYS) {
    throw malformedXml(`One request deletes 1 to ${MOST_KEYS} objects, not ${objects.length}`)
  }
  const quiet = textOf(request, 'Quiet') === 'true'
  const results: Markup[] = []
  for (const object of objects) {
    const error = await deleteListed(call, object)
    if (error !== undefined) results.push(error)
    else if (!quiet) results.push(element('Deleted', [element('Key', requiredTextOf(object, 'Key'))]))
  }
  answerXml(call, document('DeleteResult', results))
}

async function deleteListed(call: S3Call, object: Node): Promise<Markup | undefined> {
  const key = requiredTextOf(object, 'Key')
  for (const name of object.children.keys()) {
    if (name !== 'Key' && name !== 'ETag') throw notImplemented(`DeleteObjects with the element ${name}`)
  }
  try {
    await deleteKey(call, key, textOf(object, 'ETag'))
    return undefined
  } catch (error) {
    if (!(error instanceof S3Error) && !(error instanceof AccessDenied)) throw error
    const code = error instanceof S3Error ? error.code : 'AccessDenied'
    return element('Error', [element('Key', key), element('Code', code), element('Message', error.message)])
  }
}

async function deleteKey(call: S3Call, key: string, ifMatch: string | undefined): Promise<void> {
  const { store, bucket } = call
  authorize(call, 's3:DeleteObject', bucket, key, { 's3:if-match': ifMatch })
  // S3 user guide, "How to perform conditional deletes": with an ETag, s3:GetObject is needed as well.
  if (ifMatch !== undefined && ifMatch !== '*') authorize(call, 's3:GetObject', bucket, key)
  requireBucket(call, bucket)
  const existing = store.index.object(bucket, key)
  checkDeleteCondition(ifMatch, key, existing)
  if (existing === undefined) return
  store.index.deleteObject(bucket, key)
  await discardBodies(store, [existing.file])
}
