// Package service has the types that the services of the embedded AWS share with its server: the
// [Service] interface with its operations, a [Call], and the account and principals of calls. A
// service imports this package and package wire, but no other service.
package service
