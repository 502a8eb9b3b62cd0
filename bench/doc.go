// Command bench measures hubbub beside other servers, in one run on one
// machine: the server on one core, the load on another. It needs Linux.
//
//	bench                  every scenario and server, tables on standard output
//	bench -only hubbub     one kind of server
//	bench -out FILE        the tables into a file as well
package main
