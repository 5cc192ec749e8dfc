/**
 * What a build says when its machine failed it, and another machine, or the same one later, may not: no space, no memory, no network, a limit of time. Source: the
 * messages of Nix (`libstore/build`), of curl, of git and of the C library.
 */
const PASSING = [
  /No space left on device/,
  /Cannot allocate memory|Out of memory|out of memory|virtual memory exhausted/,
  /failed due to signal 9|terminated by signal 9|\bKilled\b/,
  /Could(?: not|n't) resolve host|Temporary failure in name resolution|Name or service not known/,
  /Connection (?:timed out|reset by peer|refused)|Network is unreachable|Operation timed out/,
  /unable to download .*: (?:HTTP error (?:429|5\d\d)|.*\(curl error: )/s,
  /The requested URL returned error: (?:429|5\d\d)/,
  /SSL_ERROR_SYSCALL|early EOF|TLS connection was non-properly terminated/,
  /timed out after \d+ seconds(?: of silence)?/,
]

/** Whether trying a failed build again may help: it failed because of its machine or the network, as far as its last words say. */
export function isPassingFailure(message: string, logTail: string[]): boolean {
  const words = [message, ...logTail].join('\n')
  return PASSING.some((pattern) => pattern.test(words))
}
