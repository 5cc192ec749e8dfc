/**
 * What a build says when its machine failed it, and another machine, or the same one later, may not: no space, no memory, a limit of time. Source: the messages of Nix
 * (`libstore/build`) and of the C library.
 */
const OF_THE_MACHINE = [
  /No space left on device/,
  /Cannot allocate memory|Out of memory|out of memory|virtual memory exhausted/,
  /failed due to signal 9|terminated by signal 9|\bKilled\b/,
  /timed out after \d+ seconds(?: of silence)?/,
]

/** The same of the network, which only the build of a fixed output has. Source: the messages of Nix, of curl and of git. */
const OF_THE_NETWORK = [
  /Could(?: not|n't) resolve host|Temporary failure in name resolution|Name or service not known/,
  /Connection (?:timed out|reset by peer|refused)|Network is unreachable|Operation timed out/,
  // Nix gives curl's exit code: https://curl.se/libcurl/c/libcurl-errors.html
  /unable to download '[^']*': (?:HTTP error (?:429|5\d\d)|HTTP error .*\(curl error: |.* \((?:5|6|7|18|28|35|52|55|56|92)\)$)/m,
  /The requested URL returned error: (?:429|5\d\d)/,
  /Couldn't connect to server|Empty reply from server|HTTP\/2 stream \d+ was not closed cleanly/,
  /transfer closed with \d+ bytes|the remote end hung up unexpectedly/,
  /SSL_ERROR_SYSCALL|early EOF|TLS connection was non-properly terminated/,
]

/**
 * Whether trying a failed build again may help: it failed because of its machine or the network, as far as its last words say.
 * @param hasNetwork whether it is the build of a fixed output: in any other, a network that cannot be reached is a test that will fail again
 */
export function isPassingFailure(message: string, logTail: string[], hasNetwork: boolean): boolean {
  const words = [message, ...logTail].join('\n')
  return [...OF_THE_MACHINE, ...(hasNetwork ? OF_THE_NETWORK : [])].some((pattern) => pattern.test(words))
}
