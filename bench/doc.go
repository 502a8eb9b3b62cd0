// Command bench measures hubbub beside other servers, in one run on one
// machine: the server on one core, the load on another. It needs Linux.
//
//	bench                  every scenario and server, tables on standard output
//	bench -only hubbub     one kind of server
//	bench -scenario Posts  one scenario
//	bench -out FILE        the tables into a file as well; with -scenario, in place of
//	                       what it said of that scenario
package main
