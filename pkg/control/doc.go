// Package control is the way for commands to reach the running gate: a Unix socket in its state folder, that only the
// gate's own user and root may use.
//
// [Server] answers, [Client] asks. An operation is a name, and JSON in and out: POST /v1/NAME with one JSON object as its
// body is answered 200 with another one, or with a status from 400 on and {"error": "text"}. [Operation] makes one from
// a func.
//
//	s, err := control.New(control.Options{Path: control.Path(dir), Operations: map[string]http.Handler{
//		"forget": control.Operation(forget),
//	}})
//	err = s.Listen(ctx)
//	err = s.Serve(ctx)
//
// A socket that a dead process has left behind is replaced; that of a living one is not touched. Everything is
// bounded: connections, times, sizes. It is not for other machines, and no secret passes it.
package control
