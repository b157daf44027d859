"""Peers that mean harm, or are broken in every way that has been met: made of raw bytes, by no encoder of ours.

A line in a table is a test. ``bad_requests`` holds what may come in place of an association request, ``bad_messages``
what may come once one was accepted, ``bad_answers`` what an acceptor may say to our commands; the test modules beside
them say what must come of it. To add a case, add its bytes and the answer that PS3.8 or PS3.7 asks for.
"""
