// Package wire reads the requests and writes the replies of AWS's protocols: forms and XML of the
// Query protocol, REST XML, REST JSON, AWS JSON and Smithy RPC v2 over CBOR. It also has the pages
// of lists and the errors that services share. It knows no service.
package wire
